import { exampleOf } from './schema-example.ts'

/** What the demo reads of the tools of a chat request. */
export interface DemoTools {
  readonly messages: readonly { readonly role?: unknown }[]
  readonly tools?: readonly { readonly type?: unknown; readonly function?: DemoFunction }[] | null
  readonly tool_choice?: unknown
  readonly parallel_tool_calls?: boolean | null
}

interface DemoFunction {
  readonly name?: unknown
  readonly parameters?: unknown
}

/** One call that the demo wants made; `arguments` is JSON text. */
export interface DemoToolCall {
  readonly name: string
  readonly arguments: string
}

/** The tool that `tool_choice` names, if it names one. */
const chosenName = (choice: unknown): unknown =>
  typeof choice === 'object' && choice !== null ? (choice as { function?: DemoFunction }).function?.name : undefined

/**
 * Calls every offered tool once, so that wiring can be seen to work: all in parallel unless `parallel_tool_calls` is false,
 * the one that `tool_choice` names, none after a tool’s result.
 */
export const callTools = (chat: DemoTools): readonly DemoToolCall[] => {
  if (!Array.isArray(chat.tools) || chat.tool_choice === 'none' || chat.messages.at(-1)?.role === 'tool') return []
  const offered: DemoFunction[] = chat.tools.flatMap((tool: unknown) => {
    const entry = (tool as { function?: DemoFunction } | null)?.function
    return typeof entry?.name === 'string' ? [entry] : []
  })
  const name = chosenName(chat.tool_choice)
  const wanted = name === undefined ? offered : offered.filter((entry) => entry.name === name)
  const calls = wanted.map((entry) => ({
    name: entry.name as string,
    arguments: JSON.stringify(exampleOf(entry.parameters ?? { type: 'object' })),
  }))
  return chat.parallel_tool_calls === false ? calls.slice(0, 1) : calls
}
