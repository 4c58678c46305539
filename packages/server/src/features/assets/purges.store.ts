import type { Database, Transaction } from '../../kernel/db.ts'

/** What caches in front must forget. */
export interface Purge {
  readonly project: string
  readonly tag: string
  /** How often it has been tried, this time too. */
  readonly tries: number
}

const AT_ONCE = 30
/** Who takes one has so long to bring it; else another does. */
const TAKEN_SECONDS = 60
const FIRST_WAIT_SECONDS = 5
const LONGEST_WAIT_SECONDS = 3_600

/** The tag by which caches keep everything of an asset. */
export const assetTag = (assetId: string): string => assetId
/** That of one version. */
export const versionTag = (assetId: string, version: number): string => `${assetId}-v${version}`

/** Notes, in the transaction that erases something, that caches must forget it. */
export const notePurge = async ({ execute }: Transaction, project: string, tags: readonly string[]): Promise<void> => {
  await execute(
    'INSERT INTO headgate.asset_purges (project_id, tag) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING',
    [project, tags],
  )
}

const columnsOf = (purges: readonly Purge[]) => [purges.map(({ project }) => project), purges.map(({ tag }) => tag)]

/** What is to be purged, until it was. */
export const createPurgeStore = (database: Pick<Database, 'transaction'>) => ({
  most: AT_ONCE,

  /** Takes some that are due; no other replica does meanwhile. */
  take: (): Promise<readonly Purge[]> =>
    database.transaction('system', async ({ query }) => {
      const { rows } = await query<Purge>(
        `UPDATE headgate.asset_purges SET tries = tries + 1, due_at = now() + make_interval(secs => $2)
          WHERE (project_id, tag) IN (SELECT project_id, tag FROM headgate.asset_purges WHERE due_at <= now()
            ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
          RETURNING project_id AS project, tag, tries`,
        [AT_ONCE, TAKEN_SECONDS],
      )
      return rows
    }),

  /** Forgets those that were brought, or given up. */
  end: (purges: readonly Purge[]): Promise<void> =>
    database.transaction('system', async ({ execute }) => {
      await execute(
        'DELETE FROM headgate.asset_purges WHERE (project_id, tag) IN (SELECT * FROM unnest($1::text[], $2::text[]))',
        columnsOf(purges),
      )
    }),

  /** Has those tried again later, the more often they were tried. */
  postpone: (purges: readonly Purge[]): Promise<void> =>
    database.transaction('system', async ({ execute }) => {
      await execute(
        `UPDATE headgate.asset_purges SET due_at = now() + make_interval(secs => least($3 * 2 ^ least(tries, 20), $4))
          WHERE (project_id, tag) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
        [...columnsOf(purges), FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS],
      )
    }),
})

export type PurgeStore = ReturnType<typeof createPurgeStore>
