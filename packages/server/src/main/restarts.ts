/** Ends of one worker within this time count together. */
const WINDOW_MS = 60_000
/** So many ends are a loop. */
const MOST_ENDS = 5
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000

/**
 * Decides when a worker that ended is started again: after a wait that doubles with each end of the last minute; `loop` when it
 * ends again and again. `now`: monotonic milliseconds.
 */
export const createRestarts = (now: () => number) => {
  const ends = new Map<number, number[]>()
  return {
    ended: (worker: number): { readonly waitMs: number } | 'loop' => {
      const at = now()
      const recent = [...(ends.get(worker) ?? []).filter((end) => at - end < WINDOW_MS), at]
      ends.set(worker, recent)
      if (recent.length >= MOST_ENDS) return 'loop'
      return { waitMs: Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (recent.length - 1)) }
    },
  }
}
