import type { Database, Transaction } from '../../../kernel/db.ts'
import type { TableMap } from '../data-map.ts'

export type BreachRisk = 'unknown' | 'unlikely' | 'likely' | 'high'

/** A breach as it stands in the table. */
export interface BreachRow {
  readonly breach_id: string
  readonly title: string
  readonly description: string | null
  readonly projects: readonly string[]
  readonly tables: readonly string[]
  readonly risk: BreachRisk
  readonly aware_at: Date
  readonly notify_by: Date
  readonly notified_at: Date | null
  readonly reference: string | null
  readonly delay_reason: string | null
  readonly people_told_at: Date | null
  readonly closed_at: Date | null
  readonly opened_by: string
  readonly opened_at: Date
}

/** What is changed of a breach; absent: it stays. */
export type BreachChange = Partial<
  Pick<
    BreachRow,
    'description' | 'risk' | 'notified_at' | 'reference' | 'delay_reason' | 'people_told_at' | 'closed_at'
  >
>

/** How many are concerned. */
export interface Affected {
  readonly people: number
  readonly tables: Readonly<Record<string, number>>
}

const columns = `breach_id, title, description, projects, tables, risk, aware_at, notify_by, notified_at, reference,
  delay_reason, people_told_at, closed_at, opened_by, opened_at`
const CHANGEABLE = [
  ...(['description', 'risk', 'notified_at', 'reference', 'delay_reason', 'people_told_at', 'closed_at'] as const),
]
const OPEN = `notified_at IS NULL AND closed_at IS NULL AND risk <> 'unlikely'`

/** Breaches in PostgreSQL, and whom they concern by the data map, whose names of tables and columns are used, never a caller’s. */
export const createBreachStore = (database: Database, map: Readonly<Record<string, TableMap>>) => {
  /** Tables in which rows of people are found by their names. */
  const ofPeople = Object.entries(map).flatMap(([table, { personColumn, erasure, ofPersonalRules }]) =>
    personColumn === null || erasure === 'stays' || ofPersonalRules === true ? [] : [{ table, personColumn }],
  )
  return {
    ofPeople: ofPeople.map(({ table }) => table),
    add: (
      row: Pick<BreachRow, 'title' | 'description' | 'projects' | 'tables' | 'risk' | 'aware_at' | 'notify_by'> & {
        readonly id: string
        readonly by: string
      },
      record: (transaction: Transaction) => Promise<void>,
    ): Promise<BreachRow> =>
      database.transaction('system', async (transaction) => {
        const { rows } = await transaction.query<BreachRow>(
          `INSERT INTO headgate.privacy_breaches
             (breach_id, title, description, projects, tables, risk, aware_at, notify_by, opened_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ${columns}`,
          [row.id, row.title, row.description, row.projects, row.tables, row.risk, row.aware_at, row.notify_by, row.by],
        )
        await record(transaction)
        return rows[0] as BreachRow
      }),
    /** Null where there is none of this id. */
    change: (
      id: string,
      change: BreachChange,
      record: (transaction: Transaction) => Promise<void>,
    ): Promise<BreachRow | null> =>
      database.transaction('system', async (transaction) => {
        const given = CHANGEABLE.filter((name) => change[name] !== undefined)
        const set = given.map((name, index) => `${name} = $${index + 2}`).join(', ')
        const { rows } = await transaction.query<BreachRow>(
          given.length === 0
            ? `SELECT ${columns} FROM headgate.privacy_breaches WHERE breach_id = $1`
            : `UPDATE headgate.privacy_breaches SET ${set} WHERE breach_id = $1 RETURNING ${columns}`,
          [id, ...given.map((name) => change[name])],
        )
        if (rows[0] === undefined) return null
        await record(transaction)
        return rows[0]
      }),
    find: (id: string): Promise<BreachRow | null> =>
      database.read('system', async ({ query }) => {
        const { rows } = await query<BreachRow>(
          `SELECT ${columns} FROM headgate.privacy_breaches WHERE breach_id = $1`,
          [id],
        )
        return rows[0] ?? null
      }),
    /** The newest first, from after one of them on. */
    list: (after: string | null, limit: number): Promise<BreachRow[]> =>
      database.read('system', async ({ query }) => {
        const { rows } = await query<BreachRow>(
          `SELECT ${columns} FROM headgate.privacy_breaches WHERE $1::text IS NULL OR breach_id < $1
            ORDER BY breach_id DESC LIMIT $2`,
          [after, limit],
        )
        return rows
      }),
    /** Those of which the authority has still to be told: how many, and when the first is due. */
    open: (): Promise<{ readonly open: number; readonly overdue: number; readonly due: Date | null }> =>
      database.read('system', async ({ query }) => {
        const { rows } = await query<{ open: bigint; overdue: bigint; due: Date | null }>(
          `SELECT count(*) AS open, count(*) FILTER (WHERE notify_by < now()) AS overdue, min(notify_by) AS due
             FROM headgate.privacy_breaches WHERE ${OPEN}`,
        )
        const [row] = rows
        return { open: Number(row?.open ?? 0), overdue: Number(row?.overdue ?? 0), due: row?.due ?? null }
      }),
    /** Counts who is named in the concerned tables and projects: each person once, and rows by table. Keys and nobody count not. */
    affected: ({ projects, tables }: Pick<BreachRow, 'projects' | 'tables'>): Promise<Affected> =>
      database.read('system', async ({ query }) => {
        const concerned = ofPeople.filter(({ table }) => tables.length === 0 || tables.includes(table))
        if (concerned.length === 0) return { people: 0, tables: {} }
        const each = concerned
          .map(
            ({ table, personColumn }) =>
              `SELECT '${table}' AS t, project_id AS p, ${personColumn}::text AS s, count(*) AS c FROM headgate.${table}
                WHERE ${personColumn} <> '' AND ${personColumn}::text NOT LIKE 'erased-%' AND (cardinality($1::text[]) = 0 OR project_id = ANY($1)) GROUP BY 2, 3`,
          )
          .join(' UNION ALL ')
        const { rows } = await query<{ t: string | null; rows: bigint; people: bigint }>(
          `SELECT t, sum(c)::bigint AS rows, count(DISTINCT (p, s)) AS people FROM (${each}) named
            GROUP BY GROUPING SETS ((t), ())`,
          [projects],
        )
        return {
          people: Number(rows.find(({ t }) => t === null)?.people ?? 0),
          tables: Object.fromEntries(rows.flatMap(({ t, rows: many }) => (t === null ? [] : [[t, Number(many)]]))),
        }
      }),
  }
}
export type BreachStore = ReturnType<typeof createBreachStore>
