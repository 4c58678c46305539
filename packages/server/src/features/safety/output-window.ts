import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import type { Scan } from '../../kernel/automaton.ts'
import { AppError } from '../../kernel/errors.ts'
import { createEventReader } from '../../kernel/event-reader.ts'
import type { BlockList } from './block-list.ts'
import { readParts } from './event-texts.ts'

/** Held at most, whatever is said in it: a provider that sends answers one after another without ends must not fill the memory. */
const mostHeldBytes = 1_048_576

/** One of the texts of a stream, such as the words of its first answer or the arguments of a tool. */
interface Channel {
  readonly scan: Scan
  /** Nothing of it waits for more: another one has taken its place, or its answer is over. */
  isRested: boolean
}

/** Events as they came, and how far each of their texts went with them. */
interface Held {
  readonly bytes: Buffer
  readonly ends: readonly { readonly channel: Channel; readonly length: number }[]
}

const tooLong = (): AppError => new AppError('upstream_malformed', { detail: 'One event of the stream exceeds 1 MiB.' })
const uncheckable = 'The answer could not be checked: more of it was under way at once than is held back.'

/**
 * A stream of whole events whose texts are looked at before they are shown: what came last is held back until `window` further characters of
 * the same text have come, so that of something blocked that spans parts nothing is seen that is not longer than the window. Bytes and their order
 * stay as they are.
 * @param onFound Told the name of the list; gives what the reader is told.
 * @param before The end of what was shown of the first answer before this stream, which goes on with it: something blocked may stand across the seam.
 */
export const checkedStream = (
  source: StreamSource,
  list: BlockList,
  window: number,
  onFound: (name: string) => AppError,
  onPassed: () => void,
  before = '',
): StreamSource => {
  const reader = createEventReader(tooLong)
  const channels = new Map<string, Channel>()
  /** Of each answer the text that waits for more: one at a time. */
  const waiting = new Map<number, Channel>()
  const held: Held[] = []
  let heldBytes = 0
  let isOver = false
  let isTold = false
  let listener: StreamListener | null = null

  const tell = (fault: Error): void => {
    if (isTold) return
    isTold = true
    listener?.fail(fault)
  }

  /** Ends the stream: what is held is never shown. What was made of it is settled first. */
  const stop = (fault: AppError): void => {
    isOver = true
    held.length = 0
    // Settled already, where it is found at the very end.
    if (source.refuse?.(fault) !== true) tell(fault)
  }

  const found = (index: number): boolean => {
    if (index === -1) return false
    stop(onFound(list.nameOf(index)))
    return true
  }

  /** @returns whether something blocked stands at the end of what waits of an answer */
  const rest = (answer: number): boolean => {
    const channel = waiting.get(answer)
    if (channel === undefined) return false
    waiting.delete(answer)
    channel.isRested = true
    return found(channel.scan.end())
  }
  const restAll = (): boolean => [...waiting.keys()].some(rest)

  /** Looks at what one chunk says. @returns null when something was found */
  const look = (chunk: Buffer): Held['ends'] | null => {
    const ends = new Map<Channel, number>()
    for (const data of reader.push(chunk))
      for (const { answer, name, text, isLast } of readParts(data)) {
        if (text !== '') {
          const key = `${answer}:${name}`
          let channel = channels.get(key)
          if (channel === undefined) {
            channel = { scan: list.begin(), isRested: false }
            channels.set(key, channel)
            // It was looked at before: what matters is where it leaves off.
            if (before !== '' && key === '0:content') channel.scan.feed(before)
          }
          if (waiting.get(answer) !== channel && rest(answer)) return null
          waiting.set(answer, channel)
          channel.isRested = false
          if (found(channel.scan.feed(text))) return null
          ends.set(channel, channel.scan.length())
        }
        if (isLast && rest(answer)) return null
      }
    return [...ends].map(([channel, length]) => ({ channel, length }))
  }

  const release = (isEnd = false): void => {
    let count = 0
    for (const { bytes, ends } of held) {
      const mayGo = ends.every(({ channel, length }) => channel.isRested || channel.scan.length() - length >= window)
      if (!isEnd && !mayGo) break
      count++
      heldBytes -= bytes.length
    }
    if (count === 0) return
    const gone = held.splice(0, count).map(({ bytes }) => bytes)
    listener?.data(gone.length === 1 ? (gone[0] as Buffer) : Buffer.concat(gone))
  }

  const take = (chunk: Buffer): void => {
    if (isOver) return
    let ends: Held['ends'] | null
    try {
      ends = look(chunk)
    } catch (fault) {
      stop(fault instanceof AppError ? fault : new AppError('upstream_malformed', { cause: fault }))
      return
    }
    if (ends === null) return
    held.push({ bytes: chunk, ends })
    heldBytes += chunk.length
    release()
    if (heldBytes > mostHeldBytes) stop(new AppError('answer_blocked', { detail: uncheckable }))
  }

  return {
    start: (given) => {
      listener = given
      source.start({
        data: take,
        end: () => {
          if (isOver || restAll()) return
          release(true)
          onPassed()
          given.end()
        },
        fail: (fault) => {
          // What was refused here is told once it is settled; what broke off shows what it held, as far as that is good.
          if (!isOver && !restAll()) release(true)
          tell(fault)
        },
      })
    },
    pause: () => source.pause(),
    resume: () => source.resume(),
    refuse: (fault) => {
      // What is held is not shown either.
      isOver = true
      held.length = 0
      return source.refuse?.(fault) ?? false
    },
    abort: () => {
      isOver = true
      listener = null
      held.length = 0
      source.abort()
    },
    ...(source.tell !== undefined && { tell: (fault: Error) => source.tell?.(fault) as string }),
  }
}
