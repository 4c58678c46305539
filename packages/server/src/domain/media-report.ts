import type { MediaTold } from './media.ts'

/** Beyond this a count is a fault of its provider. */
const mostTokens = 1e10
const mostSeconds = 1e6

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const countOf = (...values: readonly unknown[]): number | null => {
  const found = values.find((value) => typeof value === 'number' && Number.isInteger(value) && value >= 0)
  return typeof found === 'number' && found <= mostTokens ? found : null
}

const secondsOf = (...values: readonly unknown[]): number | null => {
  const found = values.map((value) => (typeof value === 'string' ? Number(value) : value))
  const seconds = found.find((value) => typeof value === 'number' && Number.isFinite(value) && value >= 0)
  return typeof seconds === 'number' && seconds <= mostSeconds ? seconds : null
}

const wordOf = (value: unknown): string | null => (typeof value === 'string' && value.length <= 64 ? value : null)

/** Of an answer that says nothing. */
export const nothingTold: MediaTold = {
  images: 0,
  size: null,
  quality: null,
  audioMs: null,
  tokens: null,
  textLength: 0,
}

/**
 * What an answer of OpenAI's shape says of its images or audio: the members of its top (`size`, `quality`, `duration`) and its
 * `usage`, which counts tokens or, of transcriptions, tells seconds.
 */
export const readMedia = (answer: unknown): MediaTold => {
  const { usage, size, quality, duration, text } = membersOf(answer)
  const report = membersOf(usage)
  const inputDetails = membersOf(report['input_tokens_details'] ?? report['input_token_details'])
  const outputDetails = membersOf(report['output_tokens_details'] ?? report['output_token_details'])
  const input = countOf(report['input_tokens'], report['prompt_tokens'])
  const output = countOf(report['output_tokens'], report['completion_tokens'])
  const seconds = secondsOf(report['seconds'], duration)
  return {
    images: 0,
    size: wordOf(size),
    quality: wordOf(quality),
    audioMs: seconds === null ? null : Math.round(seconds * 1_000),
    tokens:
      input === null
        ? null
        : {
            input,
            output: output ?? 0,
            mediaInput: countOf(inputDetails['image_tokens'], inputDetails['audio_tokens']) ?? 0,
            mediaOutput: countOf(outputDetails['image_tokens'], outputDetails['audio_tokens']) ?? 0,
          },
    textLength: typeof text === 'string' ? text.length : 0,
  }
}
