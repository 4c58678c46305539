import { csvText } from '../../kernel/csv.ts'
import { columnKinds, type TableMap } from './data-map.ts'

const columnsOf = ({ columns }: TableMap) =>
  columnKinds.flatMap((kind) => (columns[kind] ?? []).map((column) => ({ column, kind })))
const inOrder = (map: Readonly<Record<string, TableMap>>) =>
  Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1))

/** The map as operators read it, by the names of the tables. */
export const presentMap = (map: Readonly<Record<string, TableMap>>) =>
  inOrder(map).map(([table, entry]) => ({
    object: 'data_map_table' as const,
    table,
    activity: entry.activity,
    purpose: entry.purpose,
    kept: entry.kept,
    person_column: entry.personColumn,
    erasure: entry.erasure,
    because: entry.because ?? null,
    columns: columnsOf(entry),
  }))

/** The map as a table with a row for each column. */
export const mapAsCsv = (map: Readonly<Record<string, TableMap>>): string =>
  csvText(
    ['table', 'column', 'kind', 'activity', 'kept', 'person_column', 'erasure', 'because'],
    inOrder(map).flatMap(([table, entry]) =>
      columnsOf(entry).map(({ column, kind }) => [
        ...[table, column, kind, entry.activity, entry.kept],
        ...[entry.personColumn, entry.erasure, entry.because ?? null],
      ]),
    ),
  )
