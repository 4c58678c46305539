import type { PolicyInput } from '@headgate/contract/limits.ts'
import { parseUsd } from './money.ts'

/** What is wrong with a member, and what to do. */
export interface PolicyProblem {
  readonly location: string
  readonly message: string
  readonly fix: string
}

/** What is wrong with a limit beyond its schema; empty when it can be counted. */
export const policyProblems = (input: PolicyInput): PolicyProblem[] => {
  const problems: PolicyProblem[] = []
  const say = (location: string, message: string, fix: string) => problems.push({ location, message, fix })
  if (input.unit === 'usd') {
    if (input.limit_usd === undefined) say('limit_usd', 'is required for unit usd', 'Write it as "25.00".')
    else if (parseUsd(input.limit_usd) <= 0n) say('limit_usd', 'must be more than 0', 'Write it as "25.00".')
    if (input.limit !== undefined) say('limit', 'has no meaning for unit usd', 'Use limit_usd.')
    if (input.burst !== undefined) say('burst', 'has no meaning for unit usd', 'Leave it out.')
  } else {
    if (input.limit === undefined) say('limit', 'is required', 'Say how many units there are.')
    if (input.limit_usd !== undefined) say('limit_usd', 'is for unit usd only', 'Use limit.')
  }
  const timeless = ['window_seconds', 'algorithm', 'burst'] as const
  if (input.unit === 'concurrent')
    for (const name of timeless)
      if (input[name] !== undefined) say(name, 'has no meaning for unit concurrent', 'Leave it out.')
  if (input.algorithm === 'sliding_window' && input.burst !== undefined)
    say('burst', 'has no meaning for a sliding window', 'Leave it out, or use algorithm token_bucket.')
  return problems
}
