import type { KeyState } from '@headgate/contract/keys.ts'
import type { KeyKind } from '../../domain/caller.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { CommitOutcomeUnknown, isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'
import { pepperStatements } from './peppers.store.ts'

/** A row of headgate.api_keys. */
export interface KeyRow {
  readonly key_id: string
  readonly position: bigint
  readonly project_id: string
  readonly kind: KeyKind
  readonly name: string
  readonly tier: string
  readonly models: string[] | null
  readonly origins: string[]
  readonly state: KeyState
  readonly budget_id: string | null
  readonly expires_at: Date | null
  readonly created_at: Date
  readonly last_used_at: Date | null
  readonly revision: bigint
}

/** A row of headgate.api_key_secrets. */
export interface SecretRow {
  readonly key_id: string
  readonly hash: Buffer
  readonly pepper_id: string
  readonly expires_at: Date | null
}

/** A key and the hashes it can be proven by. */
export interface KeyWithSecrets {
  readonly key: KeyRow
  readonly secrets: readonly SecretRow[]
}

/** The row of headgate.admin_keys. */
export interface AdminKeyRow {
  readonly hash: Buffer
  readonly pepper_id: string
  readonly revision: bigint
}

/** A row of headgate.projects. */
export interface ProjectRow {
  readonly project_id: string
  readonly position: bigint
  readonly name: string
  readonly created_at: Date
}

const KEY_COLUMNS =
  'key_id, position, project_id, kind, name, tier, models, origins, state, budget_id, expires_at, created_at, last_used_at, revision'

const asAppError = (cause: unknown): unknown => {
  if (cause instanceof CommitOutcomeUnknown)
    return new AppError('database_unavailable', {
      detail: 'The connection was lost while the change was being kept: look whether it was made before repeating it.',
      shouldRetry: false,
      cause,
    })
  return isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
}

/**
 * Runs reads and writes of identity under the house's own scope.
 * @throws AppError `database_unavailable` where PostgreSQL does not answer.
 */
export const createIdentityStore = (database: Database) => ({
  read: <T>(work: (read: Read) => Promise<T>): Promise<T> =>
    database.read('system', work).catch((cause) => {
      throw asAppError(cause)
    }),
  write: <T>(work: (transaction: Transaction) => Promise<T>): Promise<T> =>
    database.transaction('system', work).catch((cause) => {
      throw asAppError(cause)
    }),
  statements,
})

export type IdentityStore = ReturnType<typeof createIdentityStore>

/** One function per statement. */
const statements = {
  ...pepperStatements,

  /** Takes the next revision; other changes of identity wait until this transaction ends. */
  nextRevision: async ({ query }: Transaction): Promise<bigint> => {
    const { rows } = await query<{ revision: bigint }>(
      'UPDATE headgate.identity_changes SET revision = revision + 1 RETURNING revision',
    )
    return (rows[0] as { revision: bigint }).revision
  },

  currentRevision: async ({ query }: Read): Promise<bigint> => {
    const { rows } = await query<{ revision: bigint }>('SELECT revision FROM headgate.identity_changes')
    return (rows[0] as { revision: bigint }).revision
  },

  insertKey: async (
    { query }: Transaction,
    key: Omit<KeyRow, 'position' | 'created_at' | 'last_used_at'>,
    at: Date,
  ): Promise<KeyRow> => {
    const { rows } = await query<KeyRow>(
      `INSERT INTO headgate.api_keys (key_id, project_id, kind, name, tier, models, origins, state, budget_id, expires_at,
         created_at, changed_at, revision)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12) RETURNING ${KEY_COLUMNS}`,
      [
        key.key_id,
        key.project_id,
        key.kind,
        key.name,
        key.tier,
        key.models,
        key.origins,
        key.state,
        key.budget_id,
        key.expires_at,
        at,
        key.revision,
      ],
    )
    return rows[0] as KeyRow
  },

  updateKey: async ({ query }: Transaction, key: KeyRow, at: Date): Promise<KeyRow> => {
    const { rows } = await query<KeyRow>(
      `UPDATE headgate.api_keys SET name = $2, tier = $3, models = $4, origins = $5, state = $6, budget_id = $7,
         expires_at = $8, changed_at = $9, revision = $10
       WHERE key_id = $1 RETURNING ${KEY_COLUMNS}`,
      [
        key.key_id,
        key.name,
        key.tier,
        key.models,
        key.origins,
        key.state,
        key.budget_id,
        key.expires_at,
        at,
        key.revision,
      ],
    )
    return rows[0] as KeyRow
  },

  key: async ({ query }: Read, id: string): Promise<KeyRow | undefined> =>
    (await query<KeyRow>(`SELECT ${KEY_COLUMNS} FROM headgate.api_keys WHERE key_id = $1`, [id])).rows[0],

  /** Newest first; `after` is the position of the last one seen. */
  keys: async (
    { query }: Read,
    page: { readonly project: string | null; readonly after: bigint | null; readonly limit: number },
  ): Promise<KeyRow[]> =>
    (
      await query<KeyRow>(
        `SELECT ${KEY_COLUMNS} FROM headgate.api_keys
         WHERE ($1::text IS NULL OR project_id = $1) AND ($2::bigint IS NULL OR position < $2)
         ORDER BY position DESC LIMIT $3`,
        [page.project, page.after, page.limit],
      )
    ).rows,

  anyKey: async ({ query }: Read): Promise<boolean> =>
    (await query('SELECT 1 FROM headgate.api_keys LIMIT 1')).rows.length > 0,

  publishableKeys: async ({ query }: Read): Promise<KeyRow[]> =>
    (
      await query<KeyRow>(
        `SELECT ${KEY_COLUMNS} FROM headgate.api_keys WHERE kind = 'publishable' AND state = 'active'`,
      )
    ).rows,

  /** Keys changed after a revision, in the order of their changes. */
  changedKeys: async ({ query }: Read, since: bigint, limit: number): Promise<KeyRow[]> =>
    (
      await query<KeyRow>(
        `SELECT ${KEY_COLUMNS} FROM headgate.api_keys WHERE revision > $1 ORDER BY revision LIMIT $2`,
        [since, limit],
      )
    ).rows,

  secrets: async ({ query }: Read, ids: readonly string[]): Promise<SecretRow[]> =>
    (
      await query<SecretRow>(
        'SELECT key_id, hash, pepper_id, expires_at FROM headgate.api_key_secrets WHERE key_id = ANY($1)',
        [ids],
      )
    ).rows,

  insertSecret: async (
    { execute }: Transaction,
    secret: Omit<SecretRow, 'expires_at'> & { readonly project_id: string },
    at: Date,
  ): Promise<void> => {
    await execute(
      `INSERT INTO headgate.api_key_secrets (key_id, project_id, hash, pepper_id, created_at) VALUES ($1, $2, $3, $4, $5)`,
      [secret.key_id, secret.project_id, secret.hash, secret.pepper_id, at],
    )
  },

  /** The current secret ends at `overlapEnds`, one that already overlaps at once: never more than two are valid. */
  endSecrets: async ({ execute }: Transaction, keyId: string, at: Date, overlapEnds: Date): Promise<void> => {
    await execute(
      `DELETE FROM headgate.api_key_secrets WHERE key_id = $1 AND expires_at < $2::timestamptz - interval '30 days'`,
      [keyId, at],
    )
    await execute(
      `UPDATE headgate.api_key_secrets
       SET expires_at = CASE WHEN expires_at IS NULL THEN $3::timestamptz ELSE least(expires_at, $2::timestamptz) END
       WHERE key_id = $1`,
      [keyId, at, overlapEnds],
    )
  },

  deleteSecrets: async ({ execute }: Transaction, keyId: string): Promise<void> => {
    await execute('DELETE FROM headgate.api_key_secrets WHERE key_id = $1', [keyId])
  },

  /** Notes the hour of use; not a change that replicas need to hear of. */
  touchKeys: async ({ execute }: Transaction, ids: readonly string[], hour: Date): Promise<void> => {
    await execute(
      `UPDATE headgate.api_keys SET last_used_at = $2
       WHERE key_id = ANY($1) AND (last_used_at IS NULL OR last_used_at < $2)`,
      [ids, hour],
    )
  },

  insertProject: async (
    { query }: Transaction,
    project: { readonly id: string; readonly name: string },
    at: Date,
  ): Promise<ProjectRow | undefined> =>
    (
      await query<ProjectRow>(
        `INSERT INTO headgate.projects (project_id, name, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (project_id) DO NOTHING RETURNING project_id, position, name, created_at`,
        [project.id, project.name, at],
      )
    ).rows[0],

  projectExists: async ({ query }: Read, id: string): Promise<boolean> =>
    (await query('SELECT 1 FROM headgate.projects WHERE project_id = $1', [id])).rows.length > 0,

  projects: async ({ query }: Read, after: bigint | null, limit: number): Promise<ProjectRow[]> =>
    (
      await query<ProjectRow>(
        `SELECT project_id, position, name, created_at FROM headgate.projects
         WHERE ($1::bigint IS NULL OR position > $1) ORDER BY position LIMIT $2`,
        [after, limit],
      )
    ).rows,

  adminKey: async ({ query }: Read): Promise<AdminKeyRow | undefined> =>
    (await query<AdminKeyRow>('SELECT hash, pepper_id, revision FROM headgate.admin_keys')).rows[0],

  writeAdminKey: async ({ execute }: Transaction, row: AdminKeyRow, at: Date): Promise<void> => {
    await execute(
      `INSERT INTO headgate.admin_keys (hash, pepper_id, created_at, revision) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET hash = $1, pepper_id = $2, created_at = $3, revision = $4`,
      [row.hash, row.pepper_id, at, row.revision],
    )
  },
}
