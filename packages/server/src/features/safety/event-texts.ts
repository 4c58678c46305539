/** A piece of text in an event of a stream. */
export interface Part {
  /** Which of several answers it belongs to. */
  readonly answer: number
  /** Which of that answer's texts. */
  readonly name: string
  readonly text: string
  /** The answer is over with it. */
  readonly isLast: boolean
}

interface Choice {
  readonly index?: number
  readonly delta?: Readonly<Record<string, unknown>> | null
  /** Some providers send these in the place of a delta. */
  readonly message?: Readonly<Record<string, unknown>> | null
  readonly text?: unknown
  readonly finish_reason?: string | null
}

interface Event {
  readonly choices?: readonly Choice[]
  /** Of events of a transcript. */
  readonly type?: string
  readonly delta?: unknown
  readonly text?: unknown
}

/** Members of a delta that hold no words. */
const wordless = new Set(['role', 'id', 'type', 'index', 'data', 'expires_at'])

/** All texts in a value, such as parts of a content, or calls of tools with their arguments. */
const textsIn = (value: unknown, name: string, add: (name: string, text: string) => void): void => {
  if (typeof value === 'string') add(name, value)
  else if (Array.isArray(value))
    value.forEach((item: unknown, at) => {
      const { index } = (item ?? {}) as { index?: unknown }
      textsIn(item, `${name}.${typeof index === 'number' ? index : at}`, add)
    })
  else if (typeof value === 'object' && value !== null)
    for (const [member, inner] of Object.entries(value))
      if (!wordless.has(member)) textsIn(inner, `${name}.${member}`, add)
}

/** What the data of one event says: of a chunk of a conversation (platform.openai.com/docs/api-reference/chat-streaming), or of a transcript. */
export const readParts = (data: string): readonly Part[] => {
  if (!data.trimStart().startsWith('{')) return []
  let event: Event
  try {
    event = JSON.parse(data) as Event
  } catch {
    // Not JSON is passed on by the relay as it came; what a reader might see in it is looked at as it stands.
    return [{ answer: -1, name: 'broken', text: data, isLast: false }]
  }
  const { choices, type } = event
  if (type === 'transcript.text.delta' && typeof event.delta === 'string')
    return [{ answer: 0, name: 'transcript', text: event.delta, isLast: false }]
  if (type === 'transcript.text.done' && typeof event.text === 'string')
    return [{ answer: 0, name: 'whole', text: event.text, isLast: true }]
  if (!Array.isArray(choices)) return []
  return (choices as readonly Choice[]).flatMap(({ index = 0, delta, message, text: plain, finish_reason }) => {
    const parts: Part[] = []
    if (typeof plain === 'string') parts.push({ answer: index, name: 'text', text: plain, isLast: false })
    for (const [member, value] of Object.entries({ ...message, ...delta }))
      if (!wordless.has(member))
        textsIn(value, member, (name, text) => parts.push({ answer: index, name, text, isLast: false }))
    if ((finish_reason ?? null) !== null) parts.push({ answer: index, name: '', text: '', isLast: true })
    return parts
  })
}
