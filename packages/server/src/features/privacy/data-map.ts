/**
 * What a column holds, as far as people are concerned. `technical` says nothing about anybody; `person` tells who somebody is, if
 * only by the name that the app gave; `content` is what somebody wrote or got, always sealed; `usage` is what somebody did, and
 * when; `secret` proves who asks or opens what is sealed; `operator` tells who runs this Headgate.
 */
export const columnKinds = ['technical', 'person', 'content', 'usage', 'secret', 'operator'] as const
export type ColumnKind = (typeof columnKinds)[number]

/** Why data is processed: the activities of the record that Article 30 of the GDPR asks for. */
export const activities = {
  answering: 'Answering calls: passing prompts to model providers and giving answers back',
  conversations: 'Keeping what people said and got, so that they can go on from it',
  accounting: 'Counting what calls cost, and keeping to budgets and limits',
  security: 'Knowing who asks, and recording what operators did',
  operation: 'Running the service: health, figures, faults',
} as const
export type Activity = keyof typeof activities

/** What the schedule of retention has a time for. */
export const retentionClasses = ['sessions', 'memories', 'assets', 'responses'] as const
export type RetentionClass = (typeof retentionClasses)[number]

/** What is known of a table. */
export interface TableMap {
  readonly activity: Activity
  /** What it is for, in a sentence. */
  readonly purpose: string
  /** How long its rows stay; options in backticks. */
  readonly kept: string
  /** Rows end by the schedule of retention: their class in it, and the column from which their age counts. */
  readonly ends?: { readonly as: RetentionClass; readonly from: string }
  /** The column by which the rows of a person are found; null where there is none. */
  readonly personColumn: string | null
  /**
   * What an erasure does with a person’s rows: they go, or go by the `feature` that keeps them and more outside the database; a
   * pseudonym takes the place of the name, in `books` a day at a time with all that was added up of it; or they stay.
   */
  readonly erasure: 'delete' | 'feature' | 'unname' | 'books' | 'stays'
  /** Rows are of people only where they belong to a budget rule that is: the column holds names of keys and models, too. */
  readonly ofPersonalRules?: true
  /** Why nothing of it is found by a person or erased, where that is so although columns tell of people. */
  readonly because?: string
  /** Every column, by what it holds. */
  readonly columns: Partial<Readonly<Record<ColumnKind, readonly string[]>>>
}

/** A column that is there. */
export interface PresentColumn {
  readonly table: string
  readonly column: string
}

const tells = ({ columns }: TableMap): boolean =>
  [columns.person, columns.content, columns.usage].some((names) => names !== undefined && names.length > 0)

const problemsOf = (table: string, entry: TableMap, present: ReadonlySet<string>): string[] => {
  const named = columnKinds.flatMap((kind) => entry.columns[kind] ?? [])
  const { personColumn, erasure, because } = entry
  return [
    ...[...present].filter((column) => !named.includes(column)).map((column) => `${table}.${column} is not classified`),
    ...named.filter((column) => !present.has(column)).map((column) => `${table}.${column} does not exist`),
    ...named
      .filter((column, at) => named.indexOf(column) !== at)
      .map((column) => `${table}.${column} is classified twice`),
    ...(personColumn !== null && !entry.columns.person?.includes(personColumn)
      ? [`${table}.${personColumn} finds people and is not of kind person`]
      : []),
    ...(entry.ends !== undefined && !present.has(entry.ends.from)
      ? [`${table}.${entry.ends.from}, from which rows age, does not exist`]
      : []),
    ...(personColumn === null && erasure !== 'stays'
      ? [`${table} is erased by a person and has no column for one`]
      : []),
    ...(tells(entry) && (personColumn === null || erasure === 'stays') && because === undefined
      ? [`${table} tells of people: say how a person’s rows are found and erased, or why not`]
      : []),
  ]
}

/** What is wrong with a map of the columns that are there, a line each: every column has to have its place, once. */
export const dataMapProblems = (
  map: Readonly<Record<string, TableMap>>,
  columns: readonly PresentColumn[],
): readonly string[] => {
  const tables = Map.groupBy(columns, ({ table }) => table)
  return [
    ...Object.keys(map)
      .filter((table) => !tables.has(table))
      .map((table) => `${table} does not exist`),
    ...[...tables].flatMap(([table, own]) => {
      const entry = Object.hasOwn(map, table) ? map[table] : undefined
      if (entry === undefined) return [`${table} is not in the data map`]
      return problemsOf(table, entry, new Set(own.map(({ column }) => column)))
    }),
  ]
}
