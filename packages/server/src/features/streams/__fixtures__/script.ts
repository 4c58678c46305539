import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'

/** A provider's stream that a test writes by hand. */
export const createScript = () => {
  let listener: StreamListener | null = null
  const state = { isAborted: false, isPaused: false }
  const source: StreamSource = {
    start: (given) => {
      listener = given
    },
    pause: () => {
      state.isPaused = true
    },
    resume: () => {
      state.isPaused = false
    },
    abort: () => {
      state.isAborted = true
      listener = null
    },
  }
  return {
    source,
    state,
    say: (...words: readonly string[]) => listener?.data(Buffer.from(words.map((word) => `data: ${word}\n\n`).join(''))),
    raw: (bytes: string) => listener?.data(Buffer.from(bytes)),
    end: () => listener?.end(),
    fail: (fault: Error) => listener?.fail(fault),
  }
}

/** Reads a stream and remembers what came. */
export const read = (source: StreamSource) => {
  const seen = { text: '', isEnded: false, fault: null as Error | null, told: '' }
  source.start({
    data: (chunk) => {
      seen.text += chunk.toString()
    },
    end: () => {
      seen.isEnded = true
    },
    fail: (fault) => {
      seen.fault = fault
      seen.told = source.tell?.(fault) ?? ''
    },
  })
  return seen
}

/** Events from one number to another, as a reader gets them. */
export const events = (from: number, ...words: readonly string[]): string =>
  words.map((word, index) => `id: ${from + index}\ndata: ${word}\n\n`).join('')
