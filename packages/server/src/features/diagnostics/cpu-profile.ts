import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'

/** What the inspector answers, as far as it is looked at: the Chrome DevTools Protocol, `Profiler.Profile`. */
interface Profile {
  readonly nodes: readonly object[]
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

export interface ProfileWish {
  readonly seconds: number
  readonly intervalMicroseconds: number
  /** The caller leaves: nothing is answered. */
  readonly signal: CancelSignal
  /** Ends the look early, with what was seen. */
  readonly enough: Promise<void>
}

/** Entries of a list that become text at once: a profile may hold hundreds of thousands. */
const SLICE = 8_192

function* listText(list: readonly unknown[]): Generator<string> {
  yield '['
  for (let from = 0; from < list.length; from += SLICE) {
    const text = JSON.stringify(list.slice(from, from + SLICE)).slice(1, -1)
    yield from === 0 ? text : `,${text}`
  }
  yield ']'
}

/** A profile as the text of a `.cpuprofile`, piece by piece. */
function* profileText({ nodes, samples = [], timeDeltas = [], ...rest }: Profile): Generator<string> {
  yield `${JSON.stringify(rest).slice(0, -1)}${Object.keys(rest).length > 0 ? ',' : ''}"nodes":`
  yield* listText(nodes)
  yield ',"samples":'
  yield* listText(samples)
  yield ',"timeDeltas":'
  yield* listText(timeDeltas)
  yield '}'
}

/**
 * Looks where the time of this thread goes and answers the pieces of a `.cpuprofile`; null when the caller left before the end. The inspector is
 * loaded for it and let go after.
 */
export const takeCpuProfile = async (clock: Clock, wish: ProfileWish): Promise<Iterable<string> | null> => {
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: wish.intervalMicroseconds })
    await session.post('Profiler.start')
    let leave: () => void = () => {}
    const left = new Promise<void>((resolve) => {
      leave = resolve
    })
    const over = new Promise<void>((resolve) => {
      const timer = clock.after(wish.seconds * 1_000, resolve)
      void Promise.race([left, wish.enough]).then(() => timer.cancel())
    })
    wish.signal.addEventListener('abort', leave)
    if (!wish.signal.aborted) await Promise.race([over, left, wish.enough])
    wish.signal.removeEventListener('abort', leave)
    const { profile } = await session.post('Profiler.stop')
    return wish.signal.aborted ? null : profileText(profile as Profile)
  } finally {
    session.disconnect()
  }
}
