import type { PolicyInput } from '@headgate/contract/limits.ts'
import type { KeyKind } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { createMemoryCounters } from '../../kernel/counters.memory.ts'
import {
  callerMismatch,
  callMismatch,
  compilePolicy,
  counterKey,
  type Policy,
  type Subjects,
  type Unit,
} from './policy.ts'

/** A call that was made. */
export interface PastCall {
  /** Milliseconds since the epoch; calls come in its order. */
  readonly at: number
  readonly project: string
  readonly key: string
  readonly user: string
  readonly endpoint: string
  /** `provider/model`. */
  readonly model: string
  readonly provider: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly images: number
  readonly audioSeconds: number
  /** Nano-USD. */
  readonly cost: number
  readonly durationMs: number
}

/** What is known of a key apart from its calls; null when it is gone. */
export type KeyFacts = { readonly tier: string; readonly kind: KeyKind } | null

/** How often a policy would have refused, and whom. */
export interface SimulatedPolicy {
  readonly name: string
  readonly calls: number
  readonly refused: number
  /** The keys that it would have refused most, the most first. */
  readonly keys: readonly { readonly key: string; readonly refused: number }[]
}

export interface Simulation {
  readonly calls: number
  readonly refused: number
  readonly policies: readonly SimulatedPolicy[]
  /** Policies that the ledger cannot tell of, and why. */
  readonly not_simulated: readonly { readonly name: string; readonly reason: string }[]
}

const MOST_KEYS = 10
const CAPACITY = 1_000_000

const unknownToTheLedger = ({ per, match, needsCountry }: Policy): string | null => {
  if (per.includes('ip')) return 'the ledger keeps no addresses'
  if (needsCountry || match.countries !== undefined) return 'the ledger keeps no countries'
  return null
}

/** Calls that end, by when: freed before a later call is looked at. */
const createEndings = () => {
  const heap: { readonly at: number; readonly free: () => void }[] = []
  const swap = (one: number, other: number): void => {
    const held = heap[one] as (typeof heap)[number]
    heap[one] = heap[other] as (typeof heap)[number]
    heap[other] = held
  }
  const atOf = (index: number): number => heap[index]?.at ?? Number.POSITIVE_INFINITY
  return {
    add: (at: number, free: () => void): void => {
      heap.push({ at, free })
      for (let index = heap.length - 1; index > 0; ) {
        const parent = (index - 1) >> 1
        if (atOf(parent) <= atOf(index)) break
        swap(parent, index)
        index = parent
      }
    },
    next: (): number => atOf(0),
    freeOne: (): void => {
      const first = heap[0]
      const last = heap.pop()
      if (first === undefined || last === undefined) return
      if (heap.length > 0) {
        heap[0] = last
        for (let index = 0; ; ) {
          const child = atOf(2 * index + 1) <= atOf(2 * index + 2) ? 2 * index + 1 : 2 * index + 2
          if (atOf(child) >= atOf(index)) break
          swap(child, index)
          index = child
        }
      }
      first.free()
    },
  }
}

/**
 * Plays past calls against policies that are not in force: by what they really used, since an estimate is corrected anyway.
 * A call that would have been refused takes nothing, as it would have; that its caller might have come again is not known.
 */
export const simulate = async (
  inputs: Readonly<Record<string, PolicyInput>>,
  calls: AsyncIterable<PastCall>,
  factsOf: (key: string) => KeyFacts,
): Promise<Simulation> => {
  const compiled = Object.entries(inputs).flatMap(([name, input]) => {
    const policy = compilePolicy(name, { ...input, mode: 'enforce' })
    return policy === null ? [] : [policy]
  })
  const policies = compiled.filter((policy) => unknownToTheLedger(policy) === null)
  const results = new Map(policies.map(({ name }) => [name, { calls: 0, refused: 0, keys: new Map<string, number>() }]))
  const time = { now: 0 }
  const never = { cancel: () => {} }
  const clock: Clock = { now: () => time.now, monotonic: () => time.now, after: () => never, every: () => never }
  const counters = createMemoryCounters({ clock, capacity: CAPACITY })
  const endings = createEndings()
  let total = 0
  let refused = 0

  for await (const call of calls) {
    while (endings.next() <= call.at) {
      time.now = endings.next()
      endings.freeOne()
    }
    time.now = call.at
    total += 1
    const facts = factsOf(call.key) ?? { tier: '', kind: 'secret' as const }
    const subjects: Subjects = { ...call, ...facts, person: '', ip: '', country: '' }
    const costs: Readonly<Record<Unit, number>> = {
      requests: 1,
      tokens: call.inputTokens + call.outputTokens,
      input_tokens: call.inputTokens,
      output_tokens: call.outputTokens,
      concurrent: 1,
      images: call.images,
      audio_seconds: call.audioSeconds,
      usd: call.cost,
    }
    const applied = policies.filter(
      (policy) => callerMismatch(policy, subjects) === null && callMismatch(policy, subjects) === null,
    )
    const rules = applied.map((policy) => ({
      key: counterKey(policy, subjects),
      limit: policy.limit,
      cost: costs[policy.unit],
    }))
    const { allowed, standings, taken } = counters.take(rules)
    if (!allowed) refused += 1
    applied.forEach((policy, index) => {
      const result = results.get(policy.name)
      if (result === undefined) return
      result.calls += 1
      if ((standings[index]?.retryAfterMs ?? 0) === 0) return
      result.refused += 1
      result.keys.set(call.key, (result.keys.get(call.key) ?? 0) + 1)
    })
    if (!allowed) continue
    const held = rules.filter(({ limit }) => limit.algorithm === 'concurrency')
    if (held.length > 0)
      endings.add(call.at + call.durationMs, () =>
        counters.correct(
          held.map(({ key, limit }) => ({ key, limit, change: -1, taken })),
          '',
        ),
      )
  }

  return {
    calls: total,
    refused,
    policies: [...results].map(([name, result]) => ({
      name,
      calls: result.calls,
      refused: result.refused,
      keys: [...result.keys]
        .sort(([, one], [, other]) => other - one)
        .slice(0, MOST_KEYS)
        .map(([key, times]) => ({ key, refused: times })),
    })),
    not_simulated: compiled.flatMap((policy) => {
      const reason = unknownToTheLedger(policy)
      return reason === null ? [] : [{ name: policy.name, reason }]
    }),
  }
}
