import { AppError } from '../../kernel/errors.ts'

/** Longest line or record in characters; what is longer is no record of rows. */
export const longestRecord = 64 * 1024 * 1024

/** Refuses an input at a line of it. */
export const inputFault = (line: number, problem: string, cause?: unknown): AppError =>
  new AppError('anonymise_input_invalid', { detail: `Line ${line}: ${problem}`, cause })

/** Lines of a text that comes in parts, without what ends them, each with its number from 1. */
export async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<{ text: string; line: number }> {
  let rest = ''
  let line = 0
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      yield { text: rest + chunk.slice(from, end), line: ++line }
      rest = ''
      from = end + 1
    }
    rest += chunk.slice(from)
    if (rest.length > longestRecord) throw inputFault(line + 1, `is longer than ${longestRecord} characters.`)
  }
  if (rest !== '') yield { text: rest, line: ++line }
}
