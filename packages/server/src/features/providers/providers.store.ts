import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { CommitOutcomeUnknown, isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'
import type { StoredKind, StoredSettings } from './provider-settings.ts'

/** A row of headgate.providers; `api_key` and `headers` are sealed. */
export interface ProviderRow {
  readonly name: string
  readonly kind: StoredKind
  readonly base_url: string | null
  readonly api_version: string | null
  readonly stream_usage: boolean
  readonly api_key: Buffer | null
  readonly api_key_hint: string | null
  readonly headers: Buffer | null
  readonly header_names: readonly string[]
  readonly created_at: Date
  readonly changed_at: Date
  readonly revision: bigint
  readonly settings: StoredSettings
}

const COLUMNS =
  'name, kind, base_url, api_version, stream_usage, api_key, api_key_hint, headers, header_names, created_at, changed_at, revision, settings'

const asAppError = (cause: unknown): unknown => {
  if (cause instanceof CommitOutcomeUnknown)
    return new AppError('database_unavailable', {
      detail: 'The connection was lost while the change was being kept: look whether it was made before repeating it.',
      shouldRetry: false,
      cause,
    })
  return isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
}

const values = (row: ProviderRow): unknown[] => [
  row.name,
  row.kind,
  row.base_url,
  row.api_version,
  row.stream_usage,
  row.api_key,
  row.api_key_hint,
  row.headers,
  row.header_names,
  row.created_at,
  row.changed_at,
  row.revision,
  JSON.stringify(row.settings),
]

/** One function per statement. */
const statements = {
  /** Takes the next revision; other changes of providers wait until this transaction ends. */
  nextRevision: async ({ query }: Transaction): Promise<bigint> => {
    const { rows } = await query<{ revision: bigint }>(
      'UPDATE headgate.provider_changes SET revision = revision + 1 RETURNING revision',
    )
    return (rows[0] as { revision: bigint }).revision
  },

  revision: async ({ query }: Read): Promise<bigint> => {
    const { rows } = await query<{ revision: bigint }>('SELECT revision FROM headgate.provider_changes')
    return (rows[0] as { revision: bigint }).revision
  },

  providers: async ({ query }: Read): Promise<ProviderRow[]> =>
    (await query<ProviderRow>(`SELECT ${COLUMNS} FROM headgate.providers ORDER BY name`)).rows,

  provider: async ({ query }: Read, name: string): Promise<ProviderRow | undefined> =>
    (await query<ProviderRow>(`SELECT ${COLUMNS} FROM headgate.providers WHERE name = $1`, [name])).rows[0],

  insertProvider: async ({ execute }: Transaction, row: ProviderRow): Promise<void> => {
    await execute(
      `INSERT INTO headgate.providers (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      values(row),
    )
  },

  updateProvider: async ({ execute }: Transaction, row: ProviderRow): Promise<void> => {
    await execute(
      `UPDATE headgate.providers SET kind = $2, base_url = $3, api_version = $4, stream_usage = $5, api_key = $6, api_key_hint = $7,
         headers = $8, header_names = $9, created_at = $10, changed_at = $11, revision = $12, settings = $13 WHERE name = $1`,
      values(row),
    )
  },

  /** Names of the providers that are switched off. */
  switchedOff: async ({ query }: Read): Promise<ReadonlySet<string>> => {
    const { rows } = await query<{ name: string }>('SELECT name FROM headgate.provider_switches')
    return new Set(rows.map(({ name }) => name))
  },

  switchOff: async ({ execute }: Transaction, name: string, at: Date): Promise<void> => {
    await execute('INSERT INTO headgate.provider_switches (name, off_at) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      name,
      at,
    ])
  },

  switchOn: async ({ execute }: Transaction, name: string): Promise<void> => {
    await execute('DELETE FROM headgate.provider_switches WHERE name = $1', [name])
  },

  deleteProvider: async ({ execute }: Transaction, name: string): Promise<void> => {
    await execute('DELETE FROM headgate.providers WHERE name = $1', [name])
  },
}

/**
 * Runs reads and writes of providers under the house's own scope.
 * @throws AppError `database_unavailable` where PostgreSQL does not answer.
 */
export const createProvidersStore = (database: Database) => ({
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

export type ProvidersStore = ReturnType<typeof createProvidersStore>
