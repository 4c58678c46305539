import type { Operation } from '../../domain/inference.ts'

/** Up to this size an answer is parsed here; a larger one would hold up the event loop. */
const parsedBytes = 1_048_576
const bytesPerToken = 4

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The texts of a content: a string, or parts with a text or a refusal. */
const contentTexts = (content: unknown): readonly unknown[] =>
  typeof content === 'string'
    ? [content]
    : listOf(content).flatMap((part) => {
        const { text, refusal } = membersOf(part)
        return typeof part === 'string' ? [part] : [text, refusal]
      })

const messageTexts = (message: unknown): readonly unknown[] => {
  const { reasoning_content: thoughts, reasoning, content, refusal, tool_calls, function_call } = membersOf(message)
  return [
    thoughts ?? reasoning,
    ...contentTexts(content),
    refusal,
    ...[tool_calls, function_call].map((calls) => (membersOf(calls) === calls ? JSON.stringify(calls) : null)),
  ]
}

/**
 * The output of a whole answer whose provider did not count it: its text, to be counted; or its tokens, a quarter of its
 * bytes, when it is larger than a mebibyte. What is not as it should be counts as nothing; embeddings have no output.
 */
export const uncountedOutput = (operation: Operation, body: Buffer): string | number => {
  if (operation === 'embeddings') return 0
  if (body.length > parsedBytes) return Math.ceil(body.length / bytesPerToken)
  // The provider's adapter has parsed it before: it is JSON.
  const { choices } = membersOf(JSON.parse(body.toString('utf8')))
  return listOf(choices)
    .flatMap((choice) => {
      const { message, text } = membersOf(choice)
      return [...messageTexts(message), text]
    })
    .filter((text) => typeof text === 'string' && text !== '')
    .join('\n')
}
