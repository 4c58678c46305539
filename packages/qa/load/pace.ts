/** Milliseconds since 1970, as every part of a drill counts them. */
export const wallNow = (): number => performance.timeOrigin + performance.now()

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)))

/** Calls that are made at a rate, whether earlier ones were answered or not. */
export interface Pace<Result> {
  /** Makes so many at once, beside the rate. */
  readonly burst: (count: number) => void
  /** Ends the load and waits for every open call. */
  readonly stop: () => Promise<readonly Result[]>
}

const TICK_MS = 10

/** Begins an open loop of `perSecond` calls; the number of a call counts from 0. */
export const startPace = <Result>(perSecond: number, call: (number: number) => Promise<Result>): Pace<Result> => {
  const results: Result[] = []
  const open = new Set<Promise<void>>()
  const start = performance.now()
  let paced = 0
  let made = 0
  const make = () => {
    const one = call(made++).then((result) => void results.push(result))
    open.add(one)
    void one.finally(() => open.delete(one))
  }
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - start) * perSecond) / 1000)
    for (; paced < due; paced++) make()
  }, TICK_MS)
  return {
    burst: (count) => {
      for (let index = 0; index < count; index++) make()
    },
    stop: async () => {
      clearInterval(timer)
      await Promise.all(open)
      return results
    },
  }
}

/** Waits until something holds, asking every 50 ms; answers how long that took. @throws Error after `milliseconds`. */
export const until = async (
  what: string,
  holds: () => Promise<boolean> | boolean,
  milliseconds = 15_000,
): Promise<number> => {
  const start = performance.now()
  let reason: unknown
  while (performance.now() - start < milliseconds) {
    try {
      if (await holds()) return performance.now() - start
    } catch (cause) {
      reason = cause
    }
    await pause(50)
  }
  throw new Error(`not within ${milliseconds} ms: ${what}`, { cause: reason })
}

/** mulberry32: a seeded source in [0, 1). */
export const seeded = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
