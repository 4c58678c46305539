import type { TableMap } from './data-map.ts'

/** A column whose content is sealed: for what, and which columns, joined by `/`, name its row. */
export interface SealedColumn {
  readonly column: string
  readonly purpose: string
  readonly row: readonly string[]
}

/** How the rows of a person are found where a table has no column for one: by the rows that they belong to. */
interface Owned {
  readonly owner: string
  /** Pairs of columns that agree, the owner’s last. */
  readonly by: readonly (readonly [own: string, owners: string])[]
}

/** What is read of a table for the person whose it is. */
export interface ExportedTable {
  readonly table: string
  readonly purpose: string
  readonly kept: string
  /** The table whose rows are the person’s: this one, or the one that its rows belong to. */
  readonly owner: string
  readonly personColumn: string
  readonly ofPersonalRules: boolean
  /** Pairs of columns that agree, the owner’s last; empty: it is the owner itself. */
  readonly by: Owned['by']
  readonly columns: readonly string[]
  readonly sealed: readonly SealedColumn[]
}

const message = ['session_id', 'message_id']
const sealedBy: Readonly<Record<string, SealedColumn>> = {
  conversation_sessions: { column: 'sealed', purpose: 'conversations', row: ['session_id'] },
  conversation_messages: { column: 'sealed', purpose: 'conversations', row: message },
  conversation_summaries: { column: 'sealed', purpose: 'conversations', row: message },
  responses: { column: 'sealed', purpose: 'responses', row: ['response_id'] },
  idempotency_keys: { column: 'sealed', purpose: 'idempotency', row: ['lookup'] },
  assets: { column: 'details', purpose: 'assets', row: ['asset_id'] },
  asset_uploads: { column: 'details', purpose: 'assets', row: ['upload_id'] },
  memories: { column: 'sealed', purpose: 'memories', row: ['memory_id'] },
  consents: { column: 'sealed', purpose: 'consents', row: ['consent_id'] },
  batches: { column: 'metadata', purpose: 'files', row: ['batch_id'] },
  batch_lines: { column: 'sealed', purpose: 'files', row: ['batch_id', 'line'] },
}
const ownedBy: Readonly<Record<string, Owned>> = {
  conversation_summaries: { owner: 'conversation_messages', by: message.map((name) => [name, name] as const) },
  asset_versions: { owner: 'assets', by: [['asset_id', 'asset_id']] },
  batch_lines: { owner: 'batches', by: [['batch_id', 'batch_id']] },
  budget_windows: { owner: 'budgets', by: [['budget_id', 'id']] },
}
/** Tables that tell of people and are not given to them, and why. */
export const withheld: Readonly<Record<string, string>> = {
  conversation_texts: 'Words of the messages, which are given whole.',
  asset_blobs: 'Sizes of contents, which are given whole.',
  asset_thumbnails: 'Small copies of pictures, which are given whole.',
  asset_chunks: 'Where contents stand, which are given whole.',
  asset_doomed: 'What is being erased.',
  memory_vectors: 'Numbers made of memories, which are given whole.',
  memory_rejections: 'Digests of what was not to be remembered.',
  data_keys: 'Keys under which the rest is sealed; it is given open.',
  cached_answers: 'Copies of answers that were given already; gone by themselves within hours or days.',
  cache_purges: 'Holds a digest only; gone within a day.',
  limit_counts: 'Counts of a minute or a day that end by themselves.',
  limit_holdings: 'Ends with the call.',
  file_pieces: 'Belong to the project and its key, not to a person.',
  files: 'Belong to the project and its key, not to a person.',
  privacy_erasures: 'Holds a digest, and the name only while an erasure is under way.',
  privacy_holds: 'Holds a digest only, and what operators wrote.',
  privacy_held: 'Says that a legal hold is open, and goes with it.',
  privacy_requests: 'Holds a digest, and the name only while a request is under way; read them with your own key.',
}

const exported = (map: Readonly<Record<string, TableMap>>, table: string): ExportedTable | null => {
  const entry = map[table] as TableMap
  const owned = ownedBy[table]
  const owner = owned?.owner ?? table
  const { personColumn, ofPersonalRules = false } = map[owner] as TableMap
  if (personColumn === null || table in withheld) return null
  const sealed = sealedBy[table]
  const { person = [], content = [], usage = [], technical = [] } = entry.columns
  return {
    ...{ table, owner, personColumn, ofPersonalRules, purpose: entry.purpose, kept: entry.kept },
    by: owned?.by ?? [],
    columns: [...new Set([...technical, ...person, ...content, ...usage])].filter((name) => name !== 'project_id'),
    sealed: sealed === undefined ? [] : [sealed],
  }
}

/** What is read for an export, table by table, by the data map. */
export const exportPlan = (map: Readonly<Record<string, TableMap>>): readonly ExportedTable[] =>
  Object.keys(map)
    .sort()
    .flatMap((table) => exported(map, table) ?? [])

const isOfPeople = ({ columns, activity }: TableMap): boolean =>
  activity !== 'operation' && [columns.person, columns.content].some((names) => names !== undefined && names.length > 0)

/** Tables with names or contents of people that are neither given to them nor kept back for a reason. */
export const exportProblems = (map: Readonly<Record<string, TableMap>>): readonly string[] => {
  const given = new Set(exportPlan(map).map(({ table }) => table))
  return Object.entries(map).flatMap(([table, entry]) =>
    isOfPeople(entry) && !given.has(table) && !(table in withheld)
      ? [`${table} tells of people: say how it is exported, or why not`]
      : [],
  )
}
