import { invalid } from './losses.ts'

export type Members = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const membersOf = (value: unknown): Members => (isObject(value) ? value : {})

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** A list as it was sent; nothing where there is none. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const dataUrl = /^data:([^;,]*)(?:;[^;,]*)*;base64,/i

/** The media type, in small letters, and the base64 of a data URL; null for any other text. */
export const readDataUrl = (url: string): { type: string; data: string } | null => {
  const found = dataUrl.exec(url.slice(0, 256))
  return found === null ? null : { type: (found[1] as string).toLowerCase(), data: url.slice(found[0].length) }
}

/** The arguments of a tool call, which the model gave as JSON. @throws ProviderFault `invalid_parameter`. */
export const readArguments = (text: unknown, location: string): Members => {
  if (text === undefined || text === null || text === '') return {}
  if (typeof text === 'string') {
    try {
      const value: unknown = JSON.parse(text)
      if (isObject(value)) return value
    } catch {
      // Told below.
    }
  }
  throw invalid(location, 'is no JSON object', 'Send the arguments as the model gave them.')
}

/** The JSON schema that an answer shall keep to; null where none is asked for. @throws ProviderFault `invalid_parameter`. */
export const readFormat = ({ response_format: format }: Members): 'json' | Members | null => {
  if (format === undefined || format === null) return null
  if (!isObject(format)) throw invalid('response_format', 'must be an object', 'Write {"type": "json_schema", …}.')
  if (format['type'] === 'text') return null
  if (format['type'] === 'json_object') return 'json'
  const described = format['json_schema']
  if (format['type'] !== 'json_schema' || !isObject(described) || !isObject(described['schema']))
    throw invalid('response_format.json_schema.schema', 'must be an object', 'Send a JSON schema.')
  return described
}

/** What a caller says of the use of its tools. */
export interface ToolUse {
  readonly mode: 'auto' | 'none' | 'required'
  /** Tools that may be chosen; null: all. */
  readonly names: readonly string[] | null
}

const nameOf = (choice: Members): string | null => {
  const { name } = membersOf(choice['function'])
  return typeof name === 'string' ? name : null
}

/** Reads `tool_choice`; null where it is absent. @throws ProviderFault `invalid_parameter`. */
export const readToolChoice = ({ tool_choice: choice }: Members): ToolUse | null => {
  if (choice === undefined || choice === null) return null
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { mode: choice, names: null }
  if (isObject(choice)) {
    const allowed = choice['allowed_tools']
    if (choice['type'] === 'allowed_tools' && isObject(allowed)) {
      const names = listOf(allowed['tools'])
        .filter(isObject)
        .flatMap((tool) => nameOf(tool) ?? [])
      return { mode: allowed['mode'] === 'required' ? 'required' : 'auto', names }
    }
    const name = nameOf(choice)
    if (name !== null) return { mode: 'required', names: [name] }
  }
  throw invalid('tool_choice', 'is not known', 'Write "auto", "none", "required" or name a function.')
}
