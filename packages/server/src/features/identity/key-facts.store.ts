import type { KeyKind } from '../../domain/caller.ts'
import type { Database } from '../../kernel/db.ts'

/** Tier and kind of every key, by its public id. @throws DatabaseUnavailable */
export const readKeyFacts = async (
  database: Database,
): Promise<ReadonlyMap<string, { readonly tier: string; readonly kind: KeyKind }>> => {
  const { rows } = await database.read('system', ({ query }) =>
    query<{ key_id: string; tier: string; kind: KeyKind }>('SELECT key_id, tier, kind FROM headgate.api_keys'),
  )
  return new Map(rows.map(({ key_id, tier, kind }) => [key_id, { tier, kind }]))
}
