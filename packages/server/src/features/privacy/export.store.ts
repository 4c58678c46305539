import type { Database, Read } from '../../kernel/db.ts'
import type { Person, SealPort } from './erasures.store.ts'
import type { ExportedTable, SealedColumn } from './export-plan.ts'

/** A row as it is given out: texts, numbers, and what was sealed, open. */
export type ExportedRow = Readonly<Record<string, unknown>>

/** What stands in a column for what was sealed in it. */
export const OPENED = 'content'
/** Rows read at once: what is sealed may be some mebibytes each. */
const SEALED_AT_ONCE = 8
const AT_ONCE = 500

const readable = (value: unknown): unknown => {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return value instanceof Date ? value.toISOString() : value
}
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
const part = (value: unknown): string => (Buffer.isBuffer(value) ? value.toString('hex') : String(value))

/** Reads what is held of a person. Names of tables and columns are the data map’s, never a caller’s. */
export const createExportStore = (
  database: Database,
  { open }: Pick<SealPort, 'open'>,
  personalRules: () => Promise<readonly string[]>,
) => {
  const opened = async (
    read: Read,
    { project, user }: Person,
    table: string,
    { column, purpose, row }: SealedColumn,
    found: ExportedRow,
  ): Promise<unknown> => {
    const sealed = found[column]
    if (!Buffer.isBuffer(sealed)) return null
    const name = row.map((key) => part(found[key])).join('/')
    return parsed(await open(read, { project, subject: user, purpose, table, row: name, column }, sealed))
  }
  const view = async (read: Read, person: Person, plan: ExportedTable, found: ExportedRow): Promise<ExportedRow> => {
    const [sealed] = plan.sealed
    const plain = Object.entries(found)
      // Digests and fingerprints tell nobody anything.
      .filter(([, value]) => ![value].flat().some(Buffer.isBuffer))
      .map(([name, value]) => [name, readable(value)] as const)
    return {
      ...Object.fromEntries(plain.filter(([name]) => name !== sealed?.column)),
      ...(sealed && { [OPENED]: await opened(read, person, plan.table, sealed, found) }),
    }
  }

  return {
    /**
     * Gives the rows of a person in a table, one after the other, as many times as there are takers: each of them sees the same rows.
     * Resolves to how many there are.
     */
    eachRow: async (
      { project, user }: Person,
      plan: ExportedTable,
      takers: readonly ((row: ExportedRow) => Promise<void>)[],
    ): Promise<number> => {
      const { table, owner, personColumn, by, columns, sealed } = plan
      const joined = by.map(([own, owners]) => ` AND t.${own} = o.${owners}`).join('')
      const whose = by.length === 0 ? 't' : 'o'
      const rules = plan.ofPersonalRules ? ` AND ${whose}.rule_name = ANY($3)` : ''
      const condition = `${whose}.project_id = $1 AND ${whose}.${personColumn} = $2${rules}`
      const where =
        by.length === 0
          ? condition
          : `t.project_id = $1 AND EXISTS (SELECT FROM headgate.${owner} o WHERE ${condition}${joined})`
      const values = [project, user, ...(plan.ofPersonalRules ? [await personalRules()] : [])]
      const atOnce = sealed.length > 0 ? SEALED_AT_ONCE : AT_ONCE
      const names = columns.map((name) => `t."${name}"`).join(', ')
      return database.read({ project }, async (read) => {
        await read.query(
          `DECLARE mine SCROLL CURSOR FOR SELECT ${names} FROM headgate.${table} t WHERE ${where}`,
          values,
        )
        let count = 0
        for (const [turn, take] of takers.entries()) {
          if (turn > 0) await read.query('MOVE ABSOLUTE 0 FROM mine')
          count = 0
          for (;;) {
            const { rows } = await read.query<Record<string, unknown>>(`FETCH ${atOnce} FROM mine`)
            if (rows.length === 0) break
            for (const row of rows) await take(await view(read, { project, user }, plan, row))
            count += rows.length
          }
          if (count === 0) break
        }
        return count
      })
    },
  }
}
export type ExportStore = ReturnType<typeof createExportStore>
