import type { Answer } from './ask.ts'

/** What an open-loop load came to. */
export interface LoadResult {
  readonly answers: readonly Answer[]
  /** Calls that got no status line. */
  readonly refused: number
}

/** Calls that are made at a rate, whether earlier ones were answered or not. */
export interface Load {
  /** Ends the load and waits for every open call. */
  readonly stop: () => Promise<LoadResult>
}

const TICK_MS = 20

/** Starts an open loop of `perSecond` calls. */
export const startLoad = (perSecond: number, call: () => Promise<Answer>): Load => {
  const answers: Answer[] = []
  const open = new Set<Promise<void>>()
  const start = performance.now()
  let made = 0
  let refused = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - start) * perSecond) / 1000)
    for (; made < due; made += 1) {
      const one = call().then(
        (answer) => void answers.push(answer),
        () => void (refused += 1),
      )
      open.add(one)
      void one.finally(() => open.delete(one))
    }
  }, TICK_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(open)
      return { answers, refused }
    },
  }
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** How often each status occurred. */
export const countStatuses = (answers: readonly Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** Waits until something holds, asking every 50 ms. @throws Error with the last reason. */
export const until = async (what: string, holds: () => Promise<boolean> | boolean, milliseconds = 10_000) => {
  const deadline = performance.now() + milliseconds
  let reason: unknown
  while (performance.now() < deadline) {
    try {
      if (await holds()) return
    } catch (cause) {
      reason = cause
    }
    await pause(50)
  }
  throw new Error(`not within ${milliseconds} ms: ${what}`, { cause: reason })
}
