import type { PolicyInput } from '@headgate/contract/limits.ts'
import { type KeyFacts, type PastCall, type Simulation, simulate } from '../features/admission/simulate.ts'
import { readKeyFacts } from '../features/identity/key-facts.store.ts'
import { replayCalls } from '../features/ledger/replay.store.ts'
import type { Database } from '../kernel/db.ts'

const past = async function* (calls: ReturnType<typeof replayCalls>): AsyncGenerator<PastCall> {
  for await (const call of calls)
    yield {
      at: call.at.getTime(),
      project: call.project_id,
      key: call.key_id,
      user: call.user_name ?? '',
      endpoint: call.operation,
      model: call.target,
      provider: call.provider,
      inputTokens: Number(call.input_tokens),
      outputTokens: Number(call.output_tokens),
      images: Number(call.images),
      audioSeconds: Math.ceil(Number(call.audio_ms) / 1_000),
      cost: Number(call.cost_nano ?? 0n),
      durationMs: call.duration_ms,
    }
}

/** Plays the calls of a range of the ledger against policies; keys have the tier that they have now. */
export const simulateOnLedger = async (
  database: Database,
  policies: Readonly<Record<string, PolicyInput>>,
  range: { readonly from: number; readonly to: number },
): Promise<Simulation> => {
  const facts = await readKeyFacts(database)
  const factsOf = (key: string): KeyFacts => facts.get(key) ?? null
  return simulate(policies, past(replayCalls(database, range)), factsOf)
}
