import { createHmac } from 'node:crypto'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'
import type { TableMap } from './data-map.ts'

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** An erasure as it stands in the table. */
export interface ErasureRow {
  readonly project_id: string
  readonly erasure_id: string
  readonly pseudonym: string
  readonly subject: Buffer
  readonly sealed: Buffer | null
  readonly passes: number
  readonly touched: Readonly<Record<string, number>>
  readonly requested_at: Date
  readonly next_pass_at: Date | null
  readonly done_at: Date | null
  readonly receipt: string | null
  readonly signature: Buffer | null
}

/** Somebody of a project. */
export interface Person {
  readonly project: string
  readonly user: string
}

/** Rows touched, by table. */
export type Touched = Readonly<Record<string, number>>

const columns = `project_id, erasure_id, pseudonym, subject, sealed, passes, touched, requested_at, next_pass_at, done_at, receipt,
  signature`
/** Whoever makes a pass has this long before another replica takes it for lost. */
const TURN_MINUTES = 10

const placeOf = (project: string, id: string): SealedPlace => ({
  project,
  purpose: 'privacy',
  table: 'privacy_erasures',
  row: id,
  column: 'sealed',
})

const added = (left: Touched, right: Touched): Touched => {
  const sum: Record<string, number> = { ...left }
  for (const [table, rows] of Object.entries(right)) if (rows > 0) sum[table] = (sum[table] ?? 0) + rows
  return sum
}

/** Erasures in PostgreSQL, and what they do to the tables of the map. Names of tables and columns are the map’s, never a caller’s. */
export const createErasureStore = (
  database: Database,
  { seal, open }: SealPort,
  map: Readonly<Record<string, TableMap>>,
  pepper: Buffer,
  /** Names of the budget rules that give each person an account. */
  personalRules: () => Promise<readonly string[]>,
) => {
  const digestOf = ({ project, user }: Person): Buffer =>
    createHmac('sha256', pepper)
      .update(JSON.stringify(['headgate/erasure/1', project, user]))
      .digest()
  const tables = Object.entries(map).flatMap(([table, { personColumn, erasure, ofPersonalRules = false }]) =>
    personColumn === null || erasure === 'stays' ? [] : [{ table, personColumn, erasure, ofPersonalRules }],
  )
  /** The rows of a person in a table: a condition on `t`, and its values. */
  const rowsOf = async ({ personColumn, ofPersonalRules }: (typeof tables)[number], { project, user }: Person) => {
    const where = `t.project_id = $1 AND t.${personColumn} = $2`
    if (!ofPersonalRules) return { where, values: [project, user] }
    return { where: `${where} AND t.rule_name = ANY($3)`, values: [project, user, await personalRules()] }
  }

  return {
    digestOf,
    /** Notes an erasure; the one that is under way where there is one. */
    begin: (
      person: Person,
      given: { readonly id: string; readonly pseudonym: string; readonly by: string },
      record: (transaction: Transaction, id: string) => Promise<void>,
    ): Promise<ErasureRow> =>
      database.transaction({ project: person.project }, async (transaction) => {
        const { project, user } = person
        const subject = digestOf(person)
        const sealed = await seal(transaction, placeOf(project, given.id), user)
        for (;;) {
          const made = await transaction.query<ErasureRow>(
            `INSERT INTO headgate.privacy_erasures
               (project_id, erasure_id, subject, pseudonym, sealed, requested_by, requested_at, next_pass_at)
             VALUES ($1, $2, $3, $4, $5, $6, now(), now() + make_interval(mins => $7))
             ON CONFLICT (project_id, subject) WHERE next_pass_at IS NOT NULL DO NOTHING RETURNING ${columns}`,
            [project, given.id, subject, given.pseudonym, sealed, given.by, TURN_MINUTES],
          )
          if (made.rows[0] !== undefined) {
            await record(transaction, given.id)
            return made.rows[0]
          }
          const { rows } = await transaction.query<ErasureRow>(
            `SELECT ${columns} FROM headgate.privacy_erasures
              WHERE project_id = $1 AND subject = $2 AND next_pass_at IS NOT NULL`,
            [project, subject],
          )
          // Else it ended between the two.
          if (rows[0] !== undefined) return rows[0]
        }
      }),
    /** The next erasure whose pass is due, held for a while; null where there is none. */
    take: (): Promise<ErasureRow | null> =>
      database.transaction('system', async (transaction) => {
        const { rows } = await transaction.query<ErasureRow>(
          `UPDATE headgate.privacy_erasures SET next_pass_at = now() + make_interval(mins => $1)
            WHERE (project_id, erasure_id) = (
              SELECT project_id, erasure_id FROM headgate.privacy_erasures WHERE next_pass_at <= now()
               ORDER BY next_pass_at LIMIT 1 FOR UPDATE SKIP LOCKED)
           RETURNING ${columns}`,
          [TURN_MINUTES],
        )
        return rows[0] ?? null
      }),
    /** Whom an erasure is of. */
    personOf: (row: ErasureRow): Promise<Person> =>
      database.read({ project: row.project_id }, async (read) => ({
        project: row.project_id,
        user: await open(read, placeOf(row.project_id, row.erasure_id), row.sealed as Buffer),
      })),
    /** Takes a person out of every table of the map. The books get the pseudonym, a day in a transaction, so that their sums agree. */
    erase: async ({ project, user }: Person, pseudonym: string): Promise<Touched> => {
      const touched: Record<string, number> = {}
      for (const entry of tables) {
        const { table, personColumn, erasure } = entry
        if (erasure === 'books' || erasure === 'feature') continue
        const { where, values } = await rowsOf(entry, { project, user })
        const rows = await database.transaction({ project }, ({ execute }) =>
          erasure === 'delete'
            ? execute(`DELETE FROM headgate.${table} t WHERE ${where}`, values)
            : execute(`UPDATE headgate.${table} t SET ${personColumn} = $${values.length + 1} WHERE ${where}`, [
                ...values,
                pseudonym,
              ]),
        )
        if (rows > 0) touched[table] = rows
      }
      let books = 0
      for (;;) {
        const { rows } = await database.transaction({ project }, ({ query }) =>
          query<{ touched: number | null }>('SELECT headgate.unname_usage_day($1, $2, $3) AS touched', [
            ...[project, user, pseudonym],
          ]),
        )
        const day = rows[0]?.touched ?? null
        if (day === null) break
        books += day
      }
      return books > 0 ? { ...touched, ledger_entries: books } : touched
    },
    /** Rows in which the name still stands, by table. */
    scan: async ({ project, user }: Person): Promise<Touched> => {
      const left: Record<string, number> = {}
      for (const entry of tables) {
        const { where, values } = await rowsOf(entry, { project, user })
        const { rows } = await database.read({ project }, ({ query }) =>
          query<{ rows: bigint }>(`SELECT count(*) AS rows FROM headgate.${entry.table} t WHERE ${where}`, values),
        )
        const count = Number(rows[0]?.rows ?? 0)
        if (count > 0) left[entry.table] = count
      }
      return left
    },
    /** Puts an erasure off until a hold ends, or is looked for again. */
    wait: (row: ErasureRow, until: Date): Promise<ErasureRow> =>
      database.transaction({ project: row.project_id }, async ({ query }) => {
        const { rows } = await query<ErasureRow>(
          `UPDATE headgate.privacy_erasures SET next_pass_at = least($3, now() + interval '1 hour')
            WHERE project_id = $1 AND erasure_id = $2 RETURNING ${columns}`,
          [row.project_id, row.erasure_id, until],
        )
        return rows[0] as ErasureRow
      }),
    /** Writes down a pass after which another one follows. */
    goOn: (row: ErasureRow, touched: Touched, minutes: number): Promise<ErasureRow> =>
      database.transaction({ project: row.project_id }, async ({ query }) => {
        const { rows } = await query<ErasureRow>(
          `UPDATE headgate.privacy_erasures
              SET passes = passes + 1, touched = $3, next_pass_at = now() + make_interval(mins => $4)
            WHERE project_id = $1 AND erasure_id = $2 RETURNING ${columns}`,
          [row.project_id, row.erasure_id, JSON.stringify(added(row.touched, touched)), minutes],
        )
        return rows[0] as ErasureRow
      }),
    /** Ends an erasure: the name goes, the receipt stays. */
    end: (row: ErasureRow, touched: Touched, receipt: string, signature: Buffer): Promise<void> =>
      database.transaction({ project: row.project_id }, async ({ execute }) => {
        await execute(
          `UPDATE headgate.privacy_erasures
              SET passes = passes + 1, touched = $3, next_pass_at = NULL, done_at = now(), sealed = NULL,
                  receipt = $4, signature = $5
            WHERE project_id = $1 AND erasure_id = $2`,
          [row.project_id, row.erasure_id, JSON.stringify(added(row.touched, touched)), receipt, signature],
        )
      }),
    sum: added,
    find: (project: string | null, id: string): Promise<ErasureRow | null> =>
      database.read(project === null ? 'system' : { project }, async ({ query }) => {
        const { rows } = await query<ErasureRow>(
          `SELECT ${columns} FROM headgate.privacy_erasures WHERE erasure_id = $1 LIMIT 1`,
          [id],
        )
        return rows[0] ?? null
      }),
    /** The newest first, from after one of them on. */
    list: (project: string | null, after: string | null, limit: number): Promise<ErasureRow[]> =>
      database.read(project === null ? 'system' : { project }, async ({ query }) => {
        const { rows } = await query<ErasureRow>(
          `SELECT ${columns} FROM headgate.privacy_erasures WHERE $1::text IS NULL OR erasure_id < $1
            ORDER BY erasure_id DESC LIMIT $2`,
          [after, limit],
        )
        return rows
      }),
  }
}
export type ErasureStore = ReturnType<typeof createErasureStore>
