import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import type { EventReader } from '../../../kernel/event-reader.ts'
import { type EventTranslator, TranslatedStream } from '../translation/translated-stream.ts'

/** What a translated stream says of these chunks; `ending` is `end` or the code of a fault. */
export const hear = (
  chunks: readonly Buffer[],
  reader: EventReader,
  translator: EventTranslator,
): { text: string; ending: string } => {
  let listener: StreamListener | null = null
  const source: StreamSource = { start: (one) => (listener = one), pause: () => {}, resume: () => {}, abort: () => {} }
  let text = ''
  let ending = 'none'
  new TranslatedStream(source, reader, translator).start({
    data: (chunk) => {
      text += chunk.toString()
    },
    end: () => {
      ending = 'end'
    },
    fail: (fault) => {
      ending = (fault as unknown as { code: string }).code
    },
  })
  for (const chunk of chunks) (listener as StreamListener | null)?.data(chunk)
  ;(listener as StreamListener | null)?.end()
  return { text, ending }
}

/** Cuts bytes in pieces of this length. */
export const pieces = (bytes: Buffer, length: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, at) => bytes.subarray(at * length, (at + 1) * length))
