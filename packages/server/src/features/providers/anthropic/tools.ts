import { isObject, type Members } from '../translation/parts.ts'
import { type Block, cacheMark } from './content.ts'
import { invalid, type Losses, unsupported } from '../translation/losses.ts'
import { outputSchema } from './schema.ts'

const inputSchema = (parameters: unknown, isStrict: boolean): unknown => {
  if (!isObject(parameters)) return { type: 'object', properties: {} }
  return isStrict ? outputSchema(parameters) : { type: 'object', ...parameters }
}

const translateTool = (tool: unknown, index: number): Block => {
  const location = `tools[${index}]`
  if (!isObject(tool)) throw invalid(location, 'must be an object', 'Write {"type": "function", …}.')
  const described = tool['function']
  if (tool['type'] !== 'function' || !isObject(described))
    throw unsupported([{ place: `${location}.type`, why: 'Use tools of type function.' }])
  const isStrict = described['strict'] === true
  return {
    name: described['name'],
    ...(typeof described['description'] === 'string' && { description: described['description'] }),
    input_schema: inputSchema(described['parameters'], isStrict),
    ...(isStrict && { strict: true }),
    ...cacheMark(described),
    ...cacheMark(tool),
  }
}

const nameOf = (choice: Members): unknown => (isObject(choice['function']) ? choice['function']['name'] : undefined)

/** The tools that `allowed_tools` leaves, and whether one must be called. */
const readAllowed = (choice: Members): { names: Set<unknown>; isForced: boolean } | null => {
  const allowed = choice['allowed_tools']
  if (choice['type'] !== 'allowed_tools' || !isObject(allowed) || !Array.isArray(allowed['tools'])) return null
  return { names: new Set(allowed['tools'].filter(isObject).map(nameOf)), isForced: allowed['mode'] === 'required' }
}

const translateChoice = (choice: unknown): Block | null => {
  if (choice === undefined || choice === null) return null
  if (choice === 'auto' || choice === 'none') return { type: choice }
  if (choice === 'required') return { type: 'any' }
  if (isObject(choice)) {
    const allowed = readAllowed(choice)
    if (allowed !== null) return { type: allowed.isForced ? 'any' : 'auto' }
    const name = nameOf(choice)
    if (typeof name === 'string') return { type: 'tool', name }
  }
  throw invalid('tool_choice', 'is not known', 'Write "auto", "none", "required" or name a function.')
}

/** Tools and what is said of their use, in Anthropic's words; nothing where there are no tools. */
export const translateTools = (body: Members, losses: Losses): Block => {
  const { tools: given, tool_choice: choice, parallel_tool_calls: isParallel } = body
  if (given === undefined || given === null) return {}
  if (!Array.isArray(given)) throw invalid('tools', 'must be a list', 'Write [{"type": "function", …}].')
  const allowed = isObject(choice) ? readAllowed(choice) : null
  const tools = given.map(translateTool).filter(({ name }) => allowed === null || allowed.names.has(name))
  if (tools.length === 0) {
    if (choice !== undefined && choice !== null && choice !== 'none' && choice !== 'auto')
      losses.note('tool_choice', 'Send the tools that may be chosen.')
    return {}
  }
  const chosen = translateChoice(choice)
  const isAlone = isParallel === false && chosen?.['type'] !== 'none'
  const toolChoice = isAlone ? { ...(chosen ?? { type: 'auto' }), disable_parallel_tool_use: true } : chosen
  return { tools, ...(toolChoice !== null && { tool_choice: toolChoice }) }
}
