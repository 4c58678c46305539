import type { Hold, Settlement } from '../../domain/hold.ts'
import type { Correction, Counters, Standing, Taken } from '../../kernel/counters.ts'
import type { AppliedPolicy, Costs } from './policies.ts'
import type { Unit } from './policy.ts'

/** What a call took of the limits beyond its place among the requests, to be corrected when it is known what it used. */
export interface Charges {
  /** Gives everything back: the call is not made. */
  giveBack(): void
  /** The hold, which on its settlement corrects what was taken. */
  follow(hold: Hold): Hold
}

/** What was taken, and of which limits. */
interface Charged {
  readonly counters: Counters
  readonly applied: readonly AppliedPolicy[]
  /** In the order of the policies. */
  readonly standings: readonly Standing[]
  readonly costs: Costs
  readonly taken: Taken
  readonly holder: string
}

const used = ({ usage, cost }: Settlement, taken: Costs): Costs => ({
  requests: 1,
  tokens: usage.inputTokens + usage.outputTokens,
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  concurrent: 0,
  images: usage.media?.images ?? 0,
  audio_seconds: Math.ceil((usage.media?.audioMs ?? 0) / 1_000),
  usd: cost === null ? taken.usd : Number(cost),
})

/** Follows what an admitted call took; null when nothing of it can change. */
export const followCharges = ({ counters, applied, standings, costs, taken, holder }: Charged): Charges | null => {
  const open = applied.flatMap(({ policy, rule }, index) => {
    const { retryAfterMs, resetMs, givenMs = 0 } = standings[index] as Standing
    return policy.unit === 'requests' || retryAfterMs !== 0
      ? []
      : [{ unit: policy.unit, rule, bucket: { fullInMs: resetMs, givenMs } }]
  })
  if (open.length === 0) return null
  let done = false
  const correct = (actual: (unit: Unit) => number): void => {
    if (done) return
    done = true
    const corrections: Correction[] = []
    for (const { unit, rule, bucket } of open) {
      const { key, limit, cost } = rule
      const change = actual(unit) - cost
      if (change !== 0) corrections.push({ key, limit, change, taken, bucket })
    }
    if (corrections.length > 0) counters.correct(corrections, holder)
  }
  return {
    giveBack: () => correct(() => 0),
    follow: (hold) => ({
      intent: hold.intent,
      flagged: hold.flagged,
      mark: (outputTokens) => hold.mark(outputTokens),
      settle: (settlement) => {
        hold.settle(settlement)
        const actual = used(settlement, costs)
        correct((unit) => actual[unit])
      },
    }),
  }
}
