import type { BinarySource, JsonAnswer, StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import { createEventReader } from '../../kernel/event-reader.ts'

/** Writes down the texts of one call. */
export interface TextSink {
  /** @param answer Which of several answers it belongs to. */
  readonly add: (answer: number, text: string) => void
  readonly end: () => void
}

/** Writes down the bytes of one call. */
export interface ByteSink {
  readonly add: (chunk: Buffer) => void
  readonly end: () => void
}

interface Chunk {
  readonly choices?: readonly {
    readonly index?: number
    readonly delta?: { readonly content?: unknown } | null
    readonly message?: { readonly content?: unknown } | null
  }[]
  /** Of the Messages protocol. */
  readonly content?: readonly { readonly type?: string; readonly text?: unknown }[]
}

/** Larger answers are not parsed once more: it would hold up the event loop. */
const parsedBytes = 1_048_576

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return (content as readonly { readonly text?: unknown }[])
    .map((part) => (typeof part?.text === 'string' ? part.text : ''))
    .join('')
}

/** Writes down what a whole answer says, without its thoughts and tools. */
export const recordWhole = ({ body }: JsonAnswer, sink: TextSink): void => {
  if (body.length > parsedBytes) return
  // The provider's adapter has parsed it before: it is JSON.
  const { choices, content } = JSON.parse(body.toString('utf8')) as Chunk
  for (const { index = 0, message } of choices ?? []) sink.add(index, textOf(message?.content))
  if (choices === undefined) sink.add(0, textOf(content))
  sink.end()
}

const nothing = (): void => {}

/** The same stream, told as it flows. */
const overheard = (
  source: StreamSource,
  hear: (chunk: Buffer) => void,
  over: () => void,
  broken: () => void,
): StreamSource => ({
  pause: () => source.pause(),
  resume: () => source.resume(),
  abort: () => source.abort(),
  ...(source.refuse !== undefined && { refuse: (fault: Error) => source.refuse?.(fault) as boolean }),
  ...(source.tell !== undefined && { tell: (fault: Error) => source.tell?.(fault) as string }),
  start: (listener) =>
    source.start({
      data: (chunk) => {
        hear(chunk)
        listener.data(chunk)
      },
      end: () => {
        over()
        listener.end()
      },
      fail: (fault) => {
        broken()
        listener.fail(fault)
      },
    }),
})

/** A stream of events whose texts are written down as they leave. */
export const recordedEvents = (source: StreamSource, sink: TextSink): StreamSource => {
  const reader = createEventReader(() => new AppError('upstream_malformed'))
  let isReadable = true
  const take = (data: string): void => {
    if (!data.startsWith('{')) return
    for (const { index = 0, delta } of (JSON.parse(data) as Chunk).choices ?? [])
      sink.add(index, textOf(delta?.content))
  }
  const over = (): void => {
    if (isReadable) sink.end()
  }
  return overheard(
    source,
    (chunk) => {
      if (!isReadable) return
      try {
        reader.push(chunk).forEach(take)
      } catch {
        // What no reader understands is no text that could be found again.
        isReadable = false
      }
    },
    over,
    // What breaks off was shown as far as it went.
    over,
  )
}

/** A stream of bytes that are written down as they leave; what broke off is no file that could be found again. */
export const recordedBytes = (source: BinarySource, sink: ByteSink): BinarySource => ({
  ...overheard(source, sink.add, sink.end, nothing),
  contentType: source.contentType,
})
