import pg from 'pg'

/** A billable row as PostgreSQL holds it. */
export interface EntryRow {
  readonly request_id: string
  readonly client_request_id: string
  readonly provider: string
  readonly outcome: string
  readonly estimated: boolean
  readonly input_tokens: string
  readonly output_tokens: string
  readonly cost_nano: string | null
  readonly fault: string | null
  readonly attempts: number
}

/** Runs one statement as the administrator, past every policy. */
export const queryDatabase = async <Row extends object>(url: string, text: string): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

/** Every billable row. */
export const ledgerRows = (url: string): Promise<EntryRow[]> =>
  queryDatabase<EntryRow>(url, `SELECT * FROM headgate.ledger_entries WHERE kind = 'call' ORDER BY at`)

/** Every row of every table of the schema, as text: what a leaked secret would be found in. */
export const dumpDatabase = async (url: string): Promise<string> => {
  const tables = await queryDatabase<{ name: string }>(
    url,
    `SELECT c.oid::regclass::text AS name FROM pg_class c
      WHERE c.relnamespace = 'headgate'::regnamespace AND c.relkind = 'r'`,
  )
  const texts: string[] = []
  for (const { name } of tables)
    for (const row of await queryDatabase<{ text: string }>(url, `SELECT t::text AS text FROM ${name} t`))
      texts.push(`${name} ${row.text}`)
  return texts.join('\n')
}

/** What a budget's windows hold, beside the sum of its entries. */
export const budgetTruth = (url: string) =>
  queryDatabase<{ spent: string; leased: string; entries: string }>(
    url,
    `SELECT w.spent_nano AS spent, w.leased_nano AS leased,
            coalesce((SELECT sum(e.cost_nano) FROM headgate.ledger_entries e
                       WHERE e.budget_id = w.budget_id AND e.budget_window = w.window_start), 0) AS entries
       FROM headgate.budget_windows w`,
  )
