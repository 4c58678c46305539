/** The parsed JSON of an event. */
export type Chunk = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Chunk =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What the gateway adds to the usage chunk, because it is not known when the headers leave. */
export interface HeadgateMember {
  readonly cost_usd: string | null
  readonly model: string
  readonly provider: string
  readonly attempts: number
  readonly estimated: boolean
  readonly request_id: string
}

/** The usage chunk for the caller: the provider's chunk without choices, and with our member. */
export const usageChunk = (chunk: Chunk, headgate: HeadgateMember): Chunk => ({ ...chunk, choices: [], headgate })

/** Parses the JSON of an event; null when it is no object. */
export const parseChunk = (json: string): Chunk | null => {
  try {
    const value: unknown = JSON.parse(json)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
