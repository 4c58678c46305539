import { type CallBudget, type Intent, noBudgets, type Settlement } from '../../../domain/hold.ts'
import { prefixedId } from '../../../kernel/ids.ts'

/** The budget of a key. */
export const keyBudget = (id: string): CallBudget => ({ id, level: 'key', rule: null, soft: false, targets: null })

/** A call worth 1 USD at most, against no budget. */
export const sampleIntent = (given: Partial<Intent> = {}): Intent => {
  const at = given.at ?? Date.now()
  const id = given.id ?? prefixedId('req', at)
  return {
    id,
    requestId: id,
    projectId: 'default',
    keyId: 'abcdefghijkl',
    user: null,
    operation: 'chat',
    stream: false,
    target: 'up/gpt-4o-mini',
    at,
    budgets: noBudgets,
    worstCase: 1_000_000_000n,
    inputTokensEstimate: 100,
    rates: { input: 1_000_000_000n, output: 2_000_000_000n, perRequest: 5n },
    ...given,
  }
}

/** A call that went well and cost 0.5 USD. */
export const sampleSettlement = (given: Partial<Settlement> = {}): Settlement => ({
  outcome: 'complete',
  target: 'up/gpt-4o-mini',
  usage: {
    inputTokens: 10,
    cachedInputTokens: 2,
    cacheWriteInputTokens: 4,
    cacheWriteHourInputTokens: 1,
    outputTokens: 20,
    reasoningTokens: 3,
  },
  estimated: false,
  cost: 500_000_000n,
  priceVersion: 'test-1',
  attempts: [{ target: 'up/gpt-4o-mini', status: 200, durationMs: 12.4, fault: null }],
  durationMs: 13.6,
  firstByteMs: 12.2,
  fault: null,
  ...given,
})
