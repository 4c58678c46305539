import { AppError } from '../../kernel/errors.ts'
import type { FindInText } from './columns.ts'
import { type FormatOptions, readItems, writeRow } from './formats.ts'
import type { Item } from './items.ts'
import { inputFault } from './lines.ts'
import type { ColumnOperator, Policy, TablePolicy } from './policy.ts'
import { cellWork, documentWork } from './rows.ts'
import { createTableRun, type TableProof, type TableRun } from './table-run.ts'

/** What became of a table. */
export interface TableOutcome {
  readonly table: string
  readonly rowsRead: number
  readonly rowsWritten: number
  /** What was done with each column, by the policy’s names. */
  readonly columns: Readonly<Record<string, string>>
  readonly others: TablePolicy['others']
  readonly proof?: TableProof
}

interface Progress {
  readonly policy: TablePolicy
  readonly run: TableRun
  readonly heading: string
  rowsRead: number
  rowsWritten: number
}

/** The policy of a table: by its whole name, or without its schema. */
const policyFor = (policy: Policy, table: string): TablePolicy | undefined =>
  policy.tables.get(table) ?? policy.tables.get(table.slice(table.lastIndexOf('.') + 1)) ?? policy.tables.get('*')

/** Whether a policy needs to see all rows before it can write one. */
export const looksFirst = (policy: Policy): boolean =>
  [...policy.tables.values()].some(({ check }) => check !== undefined)

/** An operator by its name; that of texts with those of what is found in them. */
const described = (rule: ColumnOperator): string => {
  if (rule.operator !== 'text') return rule.operator
  const within = [...Object.values(rule.entities), rule.otherEntities].map(({ operator }) => operator)
  return `text: ${[...new Set(within)].join(', ')}`
}

/** Puts the line before what was wrong in a row. */
const atLine = (line: number, cause: unknown): unknown =>
  cause instanceof AppError && cause.code === 'anonymise_input_invalid' ? inputFault(line, cause.message, cause) : cause

/**
 * Anonymises what an input holds. `open` gives the input from its beginning, once, or twice where the policy looks first. What is written comes
 * out in parts; when it ends, `outcome` tells what was done.
 * @throws anonymise_policy_invalid, anonymise_input_invalid with the line, anonymise_out_of_reach, anonymise_too_large.
 */
export const createAnonymisation = (options: {
  readonly policy: Policy
  readonly format: FormatOptions
  readonly find: FindInText
  readonly open: () => AsyncIterable<string>
}) => {
  const { policy, format, find, open } = options
  const tables = new Map<string, Progress>()

  /** The table that begins; null where its rows go through, undefined where they are left out. */
  const enter = (item: Extract<Item, { kind: 'table' }>): Progress | null | undefined => {
    const own = policyFor(policy, item.name)
    if (own === undefined) {
      if (policy.otherTables === 'keep') return null
      if (policy.otherTables === 'drop') return undefined
      throw new AppError('anonymise_policy_invalid', {
        detail: `Line ${item.line}: the policy does not say what becomes of the table ${item.name}. Name it under tables, or say other_tables: drop or keep.`,
      })
    }
    const heading = JSON.stringify(item.heading)
    const known = tables.get(item.name)
    if (known !== undefined) {
      if (known.heading !== heading) throw inputFault(item.line, `${item.name} comes again with other columns.`)
      return known
    }
    const work =
      item.heading === null ? documentWork(item.name, own, find) : cellWork(item.name, item.heading, own, find)
    const progress = { policy: own, run: createTableRun(item.name, own, work), heading, rowsRead: 0, rowsWritten: 0 }
    tables.set(item.name, progress)
    return progress
  }

  const look = async (): Promise<void> => {
    let current: Progress | null | undefined
    for await (const item of readItems(open(), format)) {
      if (item.kind === 'table') current = enter(item)
      if (item.kind !== 'row' || !current?.run.looksFirst) continue
      try {
        current.run.look(item.row)
      } catch (cause) {
        throw atLine(item.line, cause)
      }
    }
    for (const { run } of tables.values()) run.decide()
  }

  async function* write(): AsyncGenerator<string> {
    if (looksFirst(policy)) await look()
    let current: Progress | null | undefined
    for await (const item of readItems(open(), format)) {
      if (item.kind === 'raw') yield item.text
      else if (item.kind === 'row') {
        if (current === undefined) continue
        if (current === null) {
          yield writeRow(item.row, format)
          continue
        }
        current.rowsRead++
        let row
        try {
          row = current.run.write(item.row)
        } catch (cause) {
          throw atLine(item.line, cause)
        }
        if (row === null) continue
        current.rowsWritten++
        yield writeRow(row, format)
      } else {
        if (item.kind === 'table') current = enter(item)
        if (current !== undefined) yield item.raw
      }
    }
  }

  return {
    write,
    /** What was done; the proof is of what was written. @throws anonymise_out_of_reach where that does not hold. */
    outcome: (): readonly TableOutcome[] =>
      [...tables].map(([table, { policy: own, run, rowsRead, rowsWritten }]) => {
        const proof = run.prove()
        return {
          table,
          rowsRead,
          rowsWritten,
          columns: Object.fromEntries([...own.columns].map(([name, rule]) => [name, described(rule)])),
          others: own.others,
          ...(proof && { proof }),
        }
      }),
  }
}
