import { isObject } from '../translation/parts.ts'
import type { Losses } from '../translation/losses.ts'

const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const
type Effort = (typeof efforts)[number]

/** How a model can be made to think. */
export interface ThinkingAbilities {
  /** It decides itself how much (`thinking.type: adaptive`). */
  readonly adaptive: boolean
  /** It takes a budget of tokens (`thinking.type: enabled`). */
  readonly budgeted: boolean
  /** Its thinking can be turned off. */
  readonly disabled: boolean
  /** Levels of `output_config.effort`, rising; empty when it knows none. */
  readonly efforts: readonly Effort[]
}

/** What is assumed of a model that no list has described: what all current ones can do. */
export const currentAbilities: ThinkingAbilities = {
  adaptive: true,
  budgeted: false,
  disabled: true,
  efforts: ['low', 'medium', 'high'],
}

const isSupported = (capability: unknown): boolean => isObject(capability) && capability['supported'] === true

/** Reads `capabilities` of a model list entry (SDK type `ModelCapabilities`); null when it has none. */
export const readAbilities = (capabilities: unknown): ThinkingAbilities | null => {
  if (!isObject(capabilities)) return null
  const { thinking, effort } = capabilities
  const types = isObject(thinking) && isObject(thinking['types']) ? thinking['types'] : {}
  return {
    adaptive: isSupported(types['adaptive']),
    budgeted: isSupported(types['enabled']),
    disabled: isSupported(types['disabled']),
    efforts: isObject(effort) && isSupported(effort) ? efforts.filter((level) => isSupported(effort[level])) : [],
  }
}

/** Part of the output that may go into thinking where a budget must be named (the shares that OpenRouter documents). */
const shares: Readonly<Record<Effort, number>> = { low: 0.2, medium: 0.5, high: 0.8, xhigh: 0.95, max: 0.95 }
/** Least budget that Anthropic takes (SDK type `ThinkingConfigEnabled`). */
const LEAST_BUDGET = 1_024

/** The highest level that the model knows, not above the one asked for; else its lowest. */
const nearestEffort = (asked: Effort, known: readonly Effort[]): Effort | undefined =>
  known.findLast((level) => efforts.indexOf(level) <= efforts.indexOf(asked)) ?? known[0]

/** What a `reasoning_effort` comes to for a model and an output cap. */
export const translateEffort = (
  asked: unknown,
  abilities: ThinkingAbilities,
  maxTokens: number,
  losses: Losses,
): { thinking?: Record<string, unknown>; effort?: Effort } => {
  if (asked === undefined || asked === null) return {}
  if (asked === 'none') {
    if (abilities.disabled) return { thinking: { type: 'disabled' } }
    losses.note('reasoning_effort', 'This model always thinks.')
    return {}
  }
  const level = efforts.find((one) => one === (asked === 'minimal' ? 'low' : asked))
  if (level === undefined) {
    losses.note('reasoning_effort', 'Write none, minimal, low, medium, high, xhigh or max.')
    return {}
  }
  const effort = nearestEffort(level, abilities.efforts)
  const leveled = effort === undefined ? {} : { effort }
  if (abilities.adaptive) return { thinking: { type: 'adaptive', display: 'summarized' }, ...leveled }
  const budget = Math.max(LEAST_BUDGET, Math.floor(maxTokens * shares[level]))
  if (abilities.budgeted && budget < maxTokens)
    return { thinking: { type: 'enabled', budget_tokens: budget }, ...leveled }
  if (effort === undefined) losses.note('reasoning_effort', 'Raise max_completion_tokens, or use a model that thinks.')
  return leveled
}
