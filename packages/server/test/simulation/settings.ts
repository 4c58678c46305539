import type { PolicyInput } from '@headgate/contract/limits.ts'
import type { Caller } from '../../src/domain/caller.ts'
import type { CallBudget } from '../../src/domain/hold.ts'
import type { ModelBudget } from './money-store.ts'
import type { Random } from './random.ts'

/** What a seed makes the house of. */
export interface Settings {
  /** Nothing goes wrong, so that stricter rules hold. */
  readonly calm: boolean
  readonly replicas: number
  readonly callers: readonly Caller[]
  readonly budgets: readonly ModelBudget[]
  /** All that must have room for a call. */
  readonly budgetsOf: (caller: Caller) => readonly CallBudget[]
  readonly rate: { readonly rate_per_minute: number; readonly burst: number }
  readonly policies: Readonly<Record<string, PolicyInput>>
  readonly places: {
    readonly atOnce: number
    readonly adaptive: boolean
    readonly waiting: number
    readonly waitMs: number
  }
  readonly segmentBytes: number
  readonly queueLimit: number
  /** A shared count that is connected to, as Redis is, or asked each time, as PostgreSQL is. */
  readonly connectedCounters: boolean
  /** Mean milliseconds between two calls, and how long calls come. */
  readonly pauseMs: number
  readonly trafficMs: number
}

/** Most a call costs, in nano-USD; its tokens cost one each. */
export const MOST_TOKENS = 220

const callersOf = (random: Random): readonly Caller[] =>
  ['k1', 'k2', 'k3', 'k4'].map((keyId, index) => ({
    keyId,
    projectId: index < 2 ? 'p1' : 'p2',
    kind: 'secret',
    person: null,
    tier: 'one',
    models: null,
    budgetId: index === 3 && random.chance(0.7) ? null : `b${index % 2}`,
  }))

const budget = (id: string, level: CallBudget['level']): CallBudget => ({
  id,
  level,
  rule: null,
  soft: false,
  targets: null,
})

/** Settles all that is constant in one seed. */
export const chooseSettings = (random: Random): Settings => {
  const calm = random.chance(0.15)
  const windowed = (unit: 'requests' | 'tokens', limit: number): PolicyInput => ({
    unit,
    limit,
    algorithm: 'sliding_window',
    window_seconds: 4 + random.below(12),
    per: ['project'],
  })
  const bucketed = (limit: number): PolicyInput => ({
    unit: 'tokens',
    limit,
    burst: MOST_TOKENS * (1 + random.below(10)),
    window_seconds: 4 + random.below(12),
    per: ['project'],
  })
  const tokens = random.pick([windowed.bind(null, 'tokens'), bucketed])
  const soft = random.chance(0.3)
  const ofProject = random.chance(0.5) ? [{ ...budget('project', 'project'), soft }] : []
  return {
    calm,
    budgetsOf: ({ budgetId, projectId }) => [
      ...(budgetId === null ? [] : [budget(budgetId, 'key')]),
      ...(projectId === 'p1' ? ofProject : []),
    ],
    replicas: 1 + random.below(3),
    callers: callersOf(random),
    budgets: [
      {
        id: 'b0',
        limit: BigInt(MOST_TOKENS * (3 + random.below(60))),
        window: random.pick(['total', 'hour', 'day', 'rolling-hour', 'rolling-day']),
      },
      { id: 'project', limit: BigInt(MOST_TOKENS * (2 + random.below(150))), window: 'total', soft },
      { id: 'b1', limit: BigInt(MOST_TOKENS * (1 + random.below(200))), window: 'total' },
    ],
    rate: { rate_per_minute: 60 + random.below(1_200), burst: 2 + random.below(20) },
    policies: {
      ...(random.chance(0.6) && { window: windowed('requests', 5 + random.below(80)) }),
      ...(random.chance(0.6) && { tokens: tokens(MOST_TOKENS * (3 + random.below(60))) }),
      ...(random.chance(0.6) && { places: { unit: 'concurrent', limit: 2 + random.below(8), per: ['project'] } }),
    },
    places: {
      atOnce: 1 + random.below(8),
      adaptive: random.chance(0.5),
      waiting: 1 + random.below(10),
      waitMs: 200 + random.below(4_000),
    },
    segmentBytes: 2 ** (11 + random.below(8)),
    queueLimit: random.pick([4, 40, 50_000]),
    connectedCounters: random.chance(0.5),
    pauseMs: 15 + random.below(150),
    trafficMs: 8_000 + random.below(25_000),
  }
}
