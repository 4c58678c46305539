/** A call that was admitted, at an unknown moment between two known ones (milliseconds since 1970). */
export interface Admitted {
  /** When its caller sent it. */
  readonly from: number
  /** When the upstream had it: the decision came before. */
  readonly to: number
}

/**
 * The most calls that were admitted for certain within any window of this length: those that began and reached the upstream in
 * it. What may lie outside is not counted, so that one too many here is one too many in truth.
 */
export const mostInWindow = (calls: readonly Admitted[], windowMs: number): number => {
  const byEnd = calls.toSorted((left, right) => left.to - right.to)
  let most = 0
  for (const { from } of calls) {
    const end = from + windowMs
    let count = 0
    for (const call of byEnd) {
      if (call.to >= end) break
      if (call.from >= from) count++
    }
    most = Math.max(most, count)
  }
  return most
}

/** The same by one clock alone, which stands somewhat behind the decisions: how calls arrived at the upstream. */
export const mostArrivals = (calls: readonly Admitted[], windowMs: number): number =>
  mostInWindow(
    calls.map(({ to }) => ({ from: to, to })),
    windowMs,
  )

/**
 * By how many calls a token bucket was overdrawn for certain, over any stretch of time: what was admitted in it, less `burst` and
 * what came back at `perMs` meanwhile. At most 0 where the bucket held.
 */
export const bucketExcess = (calls: readonly Admitted[], bucket: { burst: number; perMs: number }): number => {
  const byEnd = calls.toSorted((left, right) => left.to - right.to)
  let worst = Number.NEGATIVE_INFINITY
  for (const { from } of calls) {
    let count = 0
    for (const call of byEnd) {
      if (call.from < from) continue
      count++
      worst = Math.max(worst, count - bucket.burst - bucket.perMs * (call.to - from))
    }
  }
  return worst
}
