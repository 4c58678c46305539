import type { TextSink } from './glance.ts'

/** The text of a stream as it was forwarded, kept to be counted when the provider does not say what it used. */
export interface Transcript extends TextSink {
  /** Bytes kept so far; set it back to forget what came after. */
  length: number
  /** The text: content, reasoning and tool arguments in the order they came. */
  text(): string
}

/** More than any model's longest answer: a provider that never ends must not fill the memory. */
const mostBytes = 8_388_608

/**
 * Keeps the insides of JSON string literals, so that nothing is decoded while a stream runs: memory is the text itself,
 * at most doubled, and a surrogate pair escaped across two events comes out whole. Beyond 8 MiB nothing is kept.
 */
export const createTranscript = (): Transcript => {
  let store = Buffer.alloc(0)
  const transcript: Transcript = {
    length: 0,
    append: (bytes, start, end) => {
      const needed = transcript.length + end - start
      if (needed > mostBytes) return
      if (needed > store.length) {
        const grown = Buffer.allocUnsafeSlow(Math.max(256, needed, store.length * 2))
        store.copy(grown, 0, 0, transcript.length)
        store = grown
      }
      if (end - start < 32) {
        for (let at = start, to = transcript.length; at < end; at += 1, to += 1) store[to] = bytes[at] as number
      } else bytes.copy(store, transcript.length, start, end)
      transcript.length = needed
    },
    text: () => {
      const literal = store.toString('utf8', 0, transcript.length)
      try {
        return JSON.parse(`"${literal}"`) as string
      } catch {
        // A provider put a raw control character or a bad escape into a string; the literal is near enough to count.
        return literal
      }
    },
  }
  return transcript
}
