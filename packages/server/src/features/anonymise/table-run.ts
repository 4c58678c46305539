import { AppError } from '../../kernel/errors.ts'
import { addToGroup, type Found, type Group, inspectGroups } from './groups.ts'
import { everything } from './hierarchy.ts'
import type { TablePolicy } from './policy.ts'
import type { Counts } from './privacy-models.ts'
import type { Row, RowWork } from './rows.ts'
import { type AlikeRows, findLevels, groupKey, latticeSize, type QuasiColumn, type Solution } from './search.ts'

/** Rows that differ in their quasi-identifiers and are held to find levels; about 300 bytes each. */
const mostAlike = 1_000_000
/** Combinations of levels that are tried at most. */
const mostCombinations = 200_000

/** What was shown of a table; nothing is said that was not looked at in what was written. */
export interface TableProof {
  readonly quasi: readonly string[]
  readonly levels: Readonly<Record<string, { readonly level: number; readonly height: number }>>
  readonly k: number
  readonly found: Found
  readonly suppressedRows: number
  readonly suppressionAllowed: number
  /** Bits; see the guide. */
  readonly loss: number
}

/** One table on its way: its rows are seen once to find levels, where that is asked for, and once to be written. */
export interface TableRun {
  /** Whether rows have to be seen before one can be written. */
  readonly looksFirst: boolean
  readonly look: (row: Row) => void
  /** Ends the looking: levels are found here. */
  readonly decide: () => void
  /** The row to write; null where it is taken out. */
  readonly write: (row: Row) => Row | null
  /** What holds of the rows that were written; undefined where nothing was asked. */
  readonly prove: () => TableProof | undefined
}

const sensitiveOf = (work: RowWork, row: Row, columns: readonly string[]): readonly Counts[] =>
  columns.map((column) => new Map([[work.valueOf(row, column) ?? '', 1]]))

/** A missing value is a value like others: rows that lack it are alike in that. */
const missing = ''

/** Works through one table. */
export const createTableRun = (table: string, policy: TablePolicy, work: RowWork): TableRun => {
  const { check } = policy
  const generalised = [...policy.columns].flatMap(([name, rule]): QuasiColumn[] =>
    rule.operator === 'generalise' ? [{ name, ...rule }] : [],
  )
  const kept = (check?.quasi ?? []).filter((name) => !generalised.some((column) => column.name === name))
  const fixed: QuasiColumn[] = kept.map((name) => ({
    name,
    hierarchy: { height: 0, generalise: (value) => value },
    lowest: 0,
    highest: 0,
  }))
  const columns = [...generalised, ...fixed]
  const sensitive = (check?.models ?? []).map(({ column }) => column)
  const looked = new Set([...columns.map(({ name }) => name), ...sensitive])
  const alike = new Map<string, { values: string[]; rows: number; sensitive: Map<string, number>[] }>()
  const written = new Map<string, Group>()
  let solution: Solution | null = null

  const generalise = (column: QuasiColumn, value: string | null, level: number): string => {
    if (value === null || value === missing)
      return level === column.hierarchy.height && level > 0 ? everything : missing
    const general = column.hierarchy.generalise(value, level)
    if (general === undefined)
      throw new AppError('anonymise_input_invalid', {
        detail: `The hierarchy of ${column.name} of ${table} does not know a value.`,
      })
    return general
  }

  return {
    looksFirst: check !== undefined,
    look: (row) => {
      const after = work.transform(row, looked)
      const values = columns.map((column) => {
        const value = work.valueOf(after, column.name)
        // A value that no level knows is told here, at its line.
        generalise(column, value, Math.min(1, column.hierarchy.height))
        return value ?? missing
      })
      const key = groupKey(values)
      let known = alike.get(key)
      if (known === undefined) {
        if (alike.size === mostAlike)
          throw new AppError('anonymise_too_large', {
            detail: `${table} has more than ${mostAlike} rows that differ in their quasi-identifiers. Give the columns a lowest level, or fewer.`,
          })
        known = { values, rows: 0, sensitive: sensitive.map(() => new Map()) }
        alike.set(key, known)
      }
      known.rows++
      for (const [at, column] of sensitive.entries()) {
        const counts = known.sensitive[at] as Map<string, number>
        const value = work.valueOf(after, column) ?? missing
        counts.set(value, (counts.get(value) ?? 0) + 1)
      }
    },
    decide: () => {
      if (check === undefined) return
      if (latticeSize(columns) > mostCombinations)
        throw new AppError('anonymise_too_large', {
          detail: `${table} has ${latticeSize(columns)} combinations of levels; ${mostCombinations} are tried at most. Bound levels by lowest and highest.`,
        })
      const rows: AlikeRows[] = [...alike.values()]
      const total = rows.reduce((sum, { rows: count }) => sum + count, 0)
      const nullable = columns.map((column) => ({
        ...column,
        hierarchy: {
          height: column.hierarchy.height,
          generalise: (value: string, level: number) => generalise(column, value === missing ? null : value, level),
        },
      }))
      solution = findLevels(nullable, rows, check, Math.floor(total * check.suppression))
      alike.clear()
      if (solution === null)
        throw new AppError('anonymise_out_of_reach', {
          detail: `No combination of levels gives ${table} groups of ${check.k} rows${sensitive.length > 0 ? ' with the models asked' : ''} while ${check.suppression * 100} % of the rows may go.`,
        })
    },
    write: (row) => {
      const after = work.transform(row)
      const general = columns.map((column, at) =>
        generalise(column, work.valueOf(after, column.name), solution?.levels[at] ?? column.lowest),
      )
      const key = groupKey(general)
      if (solution?.suppressed.has(key)) return null
      if (check !== undefined) addToGroup(written, key, 1, sensitiveOf(work, after, sensitive))
      if (generalised.length === 0) return after
      const changed = generalised.flatMap(({ name }, at): [string, string][] =>
        general[at] === missing ? [] : [[name, general[at] as string]],
      )
      return work.withValues(after, new Map(changed))
    },
    prove: () => {
      if (check === undefined || solution === null) return undefined
      const found = inspectGroups(written, check.models)
      if ((found.rows > 0 && found.smallest < check.k) || found.models.some(({ fulfilled }) => !fulfilled))
        throw new AppError('anonymise_out_of_reach', {
          detail: `What was written of ${table} does not fulfil what was asked: rows that were taken out changed it. Ask for less suppression.`,
        })
      return {
        quasi: columns.map(({ name }) => name),
        levels: Object.fromEntries(
          columns.map(({ name, hierarchy }, at) => [
            name,
            { level: solution?.levels[at] as number, height: hierarchy.height },
          ]),
        ),
        k: check.k,
        found,
        suppressedRows: solution.suppressedRows,
        suppressionAllowed: check.suppression,
        loss: Math.round(solution.loss * 1e6) / 1e6,
      }
    },
  }
}
