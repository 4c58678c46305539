import { AppError } from '../../kernel/errors.ts'
import { columnWork, type ColumnWork, type FindInText } from './columns.ts'
import type { TablePolicy } from './policy.ts'

/** A row with its cells by column, or a document with values within values. */
export type Row = { readonly cells: (string | null)[] } | { readonly document: unknown }

/** What is done with the rows of one table. */
export interface RowWork {
  /**
   * Makes the row that is written; the row that was read stays as it is. Where only some columns are asked for, others may stay as they were
   * read.
   */
  readonly transform: (row: Row, only?: ReadonlySet<string>) => Row
  /** The value of a column in a row, null where there is none. */
  readonly valueOf: (row: Row, column: string) => string | null
  /** The same row with other values in some columns. */
  readonly withValues: (row: Row, values: ReadonlyMap<string, string>) => Row
}

const textOf = (value: unknown): string | null => {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const unnamed = (table: string, column: string): AppError =>
  new AppError('anonymise_policy_invalid', {
    detail:
      `The policy does not say what becomes of the column ${column} of ${table}. Name it under columns, ` +
      'or say `others: keep` or `others: redact` for all that are not named.',
  })

const othersWork = (table: string, column: string, others: TablePolicy['others'], empty: unknown): ColumnWork => {
  if (others === 'refuse') throw unnamed(table, column)
  return others === 'keep' ? (value) => value : () => empty
}

/** Rows with a heading: CSV and COPY. */
export const cellWork = (table: string, heading: readonly string[], policy: TablePolicy, find: FindInText): RowWork => {
  const placeOf = new Map(heading.map((name, at) => [name, at]))
  const named = new Set<string>(policy.columns.keys())
  for (const rule of policy.columns.values()) {
    if (rule.operator === 'date_shift') named.add(rule.person)
    if (rule.operator === 'text' && rule.findings !== undefined) named.add(rule.findings)
  }
  for (const name of policy.check?.quasi ?? []) named.add(name)
  for (const { column } of policy.check?.models ?? []) named.add(column)
  for (const name of named)
    if (!placeOf.has(name))
      throw new AppError('anonymise_policy_invalid', {
        detail: `The policy names the column ${name} of ${table}, which has none of that name.`,
      })
  const works = heading.map((name) => {
    const rule = policy.columns.get(name)
    return rule === undefined ? othersWork(table, name, policy.others, null) : columnWork(name, rule, find)
  })
  const cellsOf = (row: Row) => (row as { cells: (string | null)[] }).cells
  return {
    transform: (row, only) => {
      const cells = cellsOf(row)
      const sibling = (name: string) => cells[placeOf.get(name) as number]
      return {
        cells: works.map((work, at) => {
          const cell = cells[at] ?? null
          return only?.has(heading[at] as string) === false ? cell : textOf(work(cell, sibling))
        }),
      }
    },
    valueOf: (row, column) => cellsOf(row)[placeOf.get(column) as number] ?? null,
    withValues: (row, values) => {
      const cells = [...cellsOf(row)]
      for (const [column, value] of values) cells[placeOf.get(column) as number] = value
      return { cells }
    },
  }
}

// A number kept as it was written is an object with that one member.
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, 'rawJSON')

const reach = (document: unknown, path: string): unknown => {
  let value = document
  for (const name of path.split('.')) value = isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return value
}

const place = (document: unknown, path: readonly string[], value: string): unknown => {
  const [name, ...rest] = path
  if (name === undefined) return value
  return isMap(document) ? { ...document, [name]: place(document[name], rest, value) } : document
}

/** Documents nested more than this are refused. */
const deepest = 64

/**
 * Documents of JSON. A column is a path of names, `user.email`; lists are walked through, each item as its list. A rule for a path that holds
 * more than one value is for everything below it that has no rule of its own.
 */
export const documentWork = (table: string, policy: TablePolicy, find: FindInText): RowWork => {
  const works = new Map([...policy.columns].map(([name, rule]) => [name, columnWork(name, rule, find)]))
  const unnamedWorks = new Map<string, ColumnWork>()
  const workAt = (path: string): ColumnWork => {
    for (let name = path; ; name = name.slice(0, name.lastIndexOf('.'))) {
      const work = works.get(name)
      if (work !== undefined) return work
      if (!name.includes('.')) break
    }
    let work = unnamedWorks.get(path)
    if (work === undefined) {
      work = othersWork(table, path, policy.others, null)
      // Names of strangers are not kept without end.
      if (unnamedWorks.size < 10_000) unnamedWorks.set(path, work)
    }
    return work
  }
  const walk = (value: unknown, path: string, depth: number, document: unknown): unknown => {
    if (depth > deepest)
      throw new AppError('anonymise_input_invalid', { detail: `A document is nested more than ${deepest} times.` })
    if (Array.isArray(value)) {
      // What other programs found belongs to its text as a whole.
      return value.map((item) => walk(item, path, depth + 1, document))
    }
    if (isMap(value))
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [
          name,
          walk(inner, path === '' ? name : `${path}.${name}`, depth + 1, document),
        ]),
      )
    return workAt(path)(value, (name) => reach(document, name))
  }
  const documentOf = (row: Row) => (row as { document: unknown }).document
  return {
    transform: (row) => ({ document: walk(documentOf(row), '', 0, documentOf(row)) }),
    valueOf: (row, column) => textOf(reach(documentOf(row), column)),
    withValues: (row, values) => {
      let document = documentOf(row)
      for (const [column, value] of values) document = place(document, column.split('.'), value)
      return { document }
    },
  }
}
