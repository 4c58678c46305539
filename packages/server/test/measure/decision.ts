// What one decision by five limits costs in memory: `node decision.ts` prints microseconds of a decision, and of the least that counting
// five keys can cost, as JSON: {"decision_us", "baseline_us"}. Medians of rounds that take turns.
import { createMemoryCounters } from '../../src/kernel/counters.memory.ts'
import type { CounterRule, Limit } from '../../src/kernel/counters.ts'
import { systemClock } from '../../src/kernel/clock.ts'

const CALLERS = 1_000
const DECISIONS = 100_000
const ROUNDS = 15
const WARM_UP_ROUNDS = 5
const NEVER = 1e9
const WINDOW_MS = 60_000

const bucket: Limit = { algorithm: 'token_bucket', quota: NEVER, windowMs: WINDOW_MS }
const sliding: Limit = { algorithm: 'sliding_window', quota: NEVER, windowMs: WINDOW_MS }
const limits = [bucket, bucket, bucket, sliding, sliding]

const keysOf = Array.from({ length: CALLERS }, (_, caller) =>
  limits.map((_limit, index) => `rule-${index}:caller-${caller}`),
)
const rulesOf: CounterRule[][] = keysOf.map((keys) =>
  keys.map((key, index) => ({ key, limit: limits[index] as Limit, cost: 1 })),
)

const counters = createMemoryCounters({ clock: systemClock })
const decide = (number: number): boolean => {
  const decision = counters.take(rulesOf[number % CALLERS] as CounterRule[])
  return 'allowed' in decision && decision.allowed
}

/** A fixed window in a map, which is exact at no edge: the least that counting can cost. */
const counts = new Map<string, { count: number; until: number }>()
const countPlainly = (number: number): boolean => {
  const now = systemClock.monotonic()
  let allowed = true
  for (const key of keysOf[number % CALLERS] as string[]) {
    let entry = counts.get(key)
    if (entry === undefined || entry.until <= now) counts.set(key, (entry = { count: 0, until: now + WINDOW_MS }))
    entry.count += 1
    if (entry.count > NEVER) allowed = false
  }
  return allowed
}

const time = (decideOnce: (number: number) => boolean): number => {
  const begun = performance.now()
  for (let number = 0; number < DECISIONS; number++) if (!decideOnce(number)) throw new Error('a limit was reached')
  return ((performance.now() - begun) * 1000) / DECISIONS
}
const median = (values: number[]): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1] as number

const decisions: number[] = []
const baselines: number[] = []
for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
  const [decision, baseline] = [time(decide), time(countPlainly)]
  if (round >= 0) decisions.push(decision)
  if (round >= 0) baselines.push(baseline)
}
process.stdout.write(`${JSON.stringify({ decision_us: median(decisions), baseline_us: median(baselines) })}\n`)
