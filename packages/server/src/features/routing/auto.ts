import type { Target } from '../../domain/model.ts'
import type { ModelFacts } from '../../domain/model-facts.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { ExplainedChoice, Rejection } from '../../domain/route.ts'
import type { ModelSetting } from './routing.ports.ts'
import type { Standings } from './standings.ts'
import type { Task } from './task.ts'

/** What decides where `auto` leads. */
export const preferences = ['balanced', 'cheap', 'fast', 'best'] as const
export type Preference = (typeof preferences)[number]

export interface AutoPorts {
  readonly standings: Standings
  readonly setting: (target: string) => ModelSetting | undefined
  readonly factsOf: (target: Target) => Pick<ModelFacts, 'input' | 'tools'>
  /** Nano-USD that the request would cost there; null where no price is known. */
  readonly costOf: (target: Target) => NanoUsd | null
  /** Whether a target rests because it failed. */
  readonly isResting: (target: string) => boolean
  /** From 0 to 1. */
  readonly random: () => number
}

/** Where the caller's own name for it would have stood. */
const MOST_TARGETS = 3
/** From this share of failed tries on, a target comes last. */
const UNRELIABLE = 0.2
/** So often one is tried whose speed is not known (any more), or the fastest of yesterday would never be found out. */
const EXPLORE = 0.1
/** How much each counts in `balanced`. */
const weights = { cost: 0.4, latency: 0.3, quality: 0.3 }

interface Candidate {
  readonly target: Target
  readonly cost: NanoUsd | null
  readonly latencyMs: number | null
  readonly quality: number | null
  readonly isUnreliable: boolean
}

/** Reads `auto` or `auto:fast` and the like; null for any other model. */
export const preferenceOf = (model: string): Preference | null => {
  if (model === 'auto') return 'balanced'
  const preference = model.startsWith('auto:') ? model.slice('auto:'.length) : ''
  return preferences.find((name) => name === preference) ?? null
}

const usd = (cost: NanoUsd): string => (Number(cost) / 1e9).toPrecision(2)

/** Why a target cannot do the task; null when it may. */
const misfit = (target: Target, task: Task, { input, tools }: Pick<ModelFacts, 'input' | 'tools'>): string | null => {
  if (!target.operations.includes(task.operation)) return `does not offer ${task.operation}`
  const { contextTokens } = target
  const needed = task.inputTokens + task.outputTokens
  if (contextTokens !== null && needed > contextTokens) return `its context of ${contextTokens} tokens is too small`
  if (task.hasImages && input !== null && !input.includes('image')) return 'takes no images'
  if (task.hasAudio && input !== null && !input.includes('audio')) return 'takes no audio'
  if (task.hasTools && tools === false) return 'calls no tools'
  return null
}

const less = (one: number | null, other: number | null): number => {
  if (one === other) return 0
  if (one === null) return 1
  return other === null ? -1 : one - other
}

/** Places from 0 (first) to 1 (last); the same for what is the same, the middle for what is not known. */
const places = (candidates: readonly Candidate[], valueOf: (one: Candidate) => number | null): number[] => {
  const known = [...new Set(candidates.map(valueOf).filter((value) => value !== null))].sort((a, b) => a - b)
  const last = Math.max(1, known.length - 1)
  return candidates.map((one) => {
    const value = valueOf(one)
    return value === null ? 0.5 : known.indexOf(value) / last
  })
}

const costOf = ({ cost }: Candidate): number | null => (cost === null ? null : Number(cost))
const latencyOf = ({ latencyMs }: Candidate): number | null => latencyMs
const qualityOf = ({ quality }: Candidate): number | null => (quality === null ? null : -quality)

const inOrder = (candidates: readonly Candidate[], preference: Preference): Candidate[] => {
  const costs = places(candidates, costOf)
  const speeds = places(candidates, latencyOf)
  const qualities = places(candidates, qualityOf)
  const compromise = new Map(
    candidates.map((one, index) => [
      one,
      weights.cost * (costs[index] as number) +
        weights.latency * (speeds[index] as number) +
        weights.quality * (qualities[index] as number),
    ]),
  )
  const compare: Record<Preference, (one: Candidate, other: Candidate) => number> = {
    cheap: (one, other) => less(costOf(one), costOf(other)) || less(one.latencyMs, other.latencyMs),
    fast: (one, other) => less(one.latencyMs, other.latencyMs) || less(costOf(one), costOf(other)),
    // Where nothing was measured, the dearer model is the better guess.
    best: (one, other) => less(qualityOf(one), qualityOf(other)) || less(costOf(other), costOf(one)),
    balanced: (one, other) => (compromise.get(one) as number) - (compromise.get(other) as number),
  }
  return [...candidates].sort(
    (one, other) => Number(one.isUnreliable) - Number(other.isUnreliable) || compare[preference](one, other),
  )
}

const because = (
  { cost, latencyMs, quality }: Candidate,
  preference: Preference,
  count: number,
  task: Task,
): string => {
  const facts = [
    ...(cost === null ? [] : [`at most ${usd(cost)} USD`]),
    ...(latencyMs === null ? [] : [`${Math.round(latencyMs)} ms lately`]),
    ...(quality === null ? [] : [`quality ${quality}`]),
  ]
  const told = facts.length === 0 ? 'nothing measured' : facts.join(', ')
  return `${preference} of ${count} for ${task.kind}: ${told}`
}

/**
 * Orders the targets that can do a task by a preference: cost at the known prices, speed and reliability as seen lately by
 * this process, quality as configured. At most three are given.
 */
export const chooseAuto = (
  ports: AutoPorts,
  preference: Preference,
  task: Task,
  offered: readonly Target[],
): ExplainedChoice => {
  const rejected: Rejection[] = []
  const fitting = offered.filter((target) => {
    const reason = misfit(target, task, ports.factsOf(target))
    if (reason !== null) rejected.push({ model: target.name, reason })
    return reason === null
  })
  const awake = fitting.filter(({ name }) => !ports.isResting(name))
  const usable = awake.length > 0 ? awake : fitting
  if (awake.length > 0)
    for (const { name } of fitting)
      if (ports.isResting(name)) rejected.push({ model: name, reason: 'rests because it failed lately' })
  const candidates = usable.map((target): Candidate => {
    const setting = ports.setting(target.name)
    return {
      target,
      cost: ports.costOf(target),
      latencyMs: ports.standings.latencyMs(target.name, task),
      quality: setting?.qualityByTask?.[task.kind] ?? setting?.quality ?? null,
      isUnreliable: ports.standings.errorRate(target.name) >= UNRELIABLE,
    }
  })
  const ordered = inOrder(candidates, preference)
  const [first] = ordered
  if (first === undefined) return { targets: [], reason: null, rejected }
  const unseen = ordered.filter(({ latencyMs }) => latencyMs === null)
  const seeks = preference === 'fast' || preference === 'balanced'
  const tried = seeks && first.latencyMs !== null && unseen.length > 0 && ports.random() < EXPLORE
  const pick = tried ? (unseen[Math.floor(ports.random() * unseen.length)] as Candidate) : first
  const rest = ordered.filter((one) => one !== pick)
  const reason = tried ? `${preference}: tried to learn its speed` : because(pick, preference, candidates.length, task)
  return { targets: [pick, ...rest].slice(0, MOST_TARGETS).map(({ target }) => target), reason, rejected }
}
