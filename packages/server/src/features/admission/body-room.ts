import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'

/** Who asks for room, and how long it may be waited for. */
export interface RoomAsk {
  readonly bytes: number
  /** Most bytes of all bodies together. */
  readonly most: number
  readonly maxWaitMs: number
  /** Whose body it is: who holds least comes first. */
  readonly holder: string
  readonly signal: CancelSignal
}

/** Gives the room back. */
export type Release = () => void

/** Room for request bodies, shared by all generations: a reload leaves calls of the former configuration in hand. */
export interface BodyRoom {
  /** Held now. */
  readonly bytes: () => number
  /** Bodies that wait for room, not read meanwhile. */
  readonly waiting: () => number
  /**
   * Takes room, at once where there is some; null where none came in time, or none ever can.
   * @throws AppError `client_closed_request`, or the reason of the signal.
   */
  readonly take: (ask: RoomAsk) => Release | null | Promise<Release | null>
}

interface Waiting {
  readonly ask: RoomAsk
  readonly settle: (release: Release | null) => void
}

/** Up to here a body need not wait behind larger ones. */
const SMALL_BYTES = 1_048_576
/** Each that waits holds a connection. */
const MOST_WAITING = 1_000

/** Gives room in turn: first who holds least, of these who came first. */
export const createBodyRoom = (clock: Clock): BodyRoom => {
  const line: Waiting[] = []
  const heldBy = new Map<string, number>()
  let held = 0

  const fits = ({ bytes, most }: RoomAsk): boolean => held + bytes <= most

  const hold = ({ bytes, holder }: RoomAsk): Release => {
    held += bytes
    heldBy.set(holder, (heldBy.get(holder) ?? 0) + bytes)
    let open = true
    return () => {
      if (!open) return
      open = false
      held -= bytes
      const left = (heldBy.get(holder) ?? 0) - bytes
      if (left > 0) heldBy.set(holder, left)
      else heldBy.delete(holder)
      admit()
    }
  }

  const heldByHolderOf = ({ ask }: Waiting): number => heldBy.get(ask.holder) ?? 0
  const admit = (): void => {
    while (line.length > 0) {
      const first = line.reduce((best, one) => (heldByHolderOf(one) < heldByHolderOf(best) ? one : best))
      // It waits until it fits: smaller ones that overtook it again and again would keep it out for ever.
      if (!fits(first.ask)) return
      first.settle(hold(first.ask))
    }
  }

  const wait = (ask: RoomAsk): Promise<Release | null> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        end()
        reject(ask.signal.reason instanceof AppError ? ask.signal.reason : new AppError('client_closed_request'))
        admit()
      }
      const end = (): void => {
        timer.cancel()
        ask.signal.removeEventListener('abort', leave)
        line.splice(line.indexOf(waiting), 1)
      }
      const settle = (release: Release | null): void => {
        end()
        resolve(release)
      }
      const waiting: Waiting = { ask, settle }
      const timer = clock.after(ask.maxWaitMs, () => {
        settle(null)
        admit()
      })
      ask.signal.addEventListener('abort', leave)
      line.push(waiting)
    })

  return {
    bytes: () => held,
    waiting: () => line.length,
    take: (ask) => {
      if (fits(ask) && (line.length === 0 || ask.bytes <= SMALL_BYTES)) return hold(ask)
      const isHopeless = ask.bytes > ask.most || ask.maxWaitMs === 0 || line.length >= MOST_WAITING
      return isHopeless || ask.signal.aborted ? null : wait(ask)
    },
  }
}
