import type { Clock } from '../../../kernel/clock.ts'

/** A clock that a test turns by hand; between two timers everything that was promised happens. */
export const handClock = (): Clock & { advance(milliseconds: number): Promise<void>; timers(): number } => {
  let now = 1_000
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  const after = (milliseconds: number, callback: () => void) => {
    const timer = { at: now + milliseconds, callback }
    timers.add(timer)
    return { cancel: () => void timers.delete(timer) }
  }
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    now: () => now,
    monotonic: () => now,
    after,
    every: () => {
      throw new Error('nothing here repeats')
    },
    timers: () => timers.size,
    advance: async (milliseconds) => {
      const until = now + milliseconds
      for (;;) {
        await settled()
        const [next] = [...timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)
        if (next === undefined) break
        now = next.at
        timers.delete(next)
        next.callback()
      }
      now = until
    },
  }
}
