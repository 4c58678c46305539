import type { KeyState } from '@headgate/contract/keys.ts'
import type { KeyKind } from '../../domain/caller.ts'
import type { Database } from '../../kernel/db.ts'

/** What is known of the life of an API key. */
export interface KeyLife {
  readonly key_id: string
  readonly position: bigint
  readonly project_id: string
  readonly kind: KeyKind
  readonly name: string
  readonly state: KeyState
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
  /** When the secret was made that is in use; null where there is none any more. */
  readonly secret_made_at: Date | null
  /** When a former secret ends that is still accepted. */
  readonly overlap_ends_at: Date | null
}

/** Keys in the order in which they were made, after the one with this id. @throws DatabaseUnavailable */
export const readKeyLives = async (
  database: Database,
  page: { readonly after: string | null; readonly limit: number; readonly at: Date },
): Promise<KeyLife[]> => {
  const { rows } = await database.read('system', ({ query }) =>
    query<KeyLife>(
      `SELECT k.*, s.secret_made_at, s.overlap_ends_at
         FROM (SELECT key_id, position, project_id, kind, name, state, created_at, expires_at, last_used_at
                 FROM headgate.api_keys
                WHERE position > coalesce((SELECT position FROM headgate.api_keys WHERE key_id = $1), 0)
                ORDER BY position LIMIT $2) k
         LEFT JOIN LATERAL (
           SELECT max(created_at) FILTER (WHERE expires_at IS NULL) AS secret_made_at,
                  max(expires_at) FILTER (WHERE expires_at > $3) AS overlap_ends_at
             FROM headgate.api_key_secrets s WHERE s.key_id = k.key_id) s ON true
        ORDER BY k.position`,
      [page.after, page.limit, page.at],
    ),
  )
  return rows
}

/** When the stored key of operators was made; null where there is none. @throws DatabaseUnavailable */
export const readAdminKeyAge = async (database: Database): Promise<Date | null> => {
  const { rows } = await database.read('system', ({ query }) =>
    query<{ created_at: Date }>('SELECT created_at FROM headgate.admin_keys'),
  )
  return rows[0]?.created_at ?? null
}
