import type { Database, Read } from '../../../kernel/db.ts'

/** The plans of what is read, by PostgreSQL’s own word: each scanned table and how. */
export const scansOf = async (database: Database, work: (spied: Database) => Promise<unknown>) => {
  const asked: [text: string, values: readonly unknown[]][] = []
  const spied: Database = {
    ...database,
    read: (scope, inner) =>
      database.read(scope, (read) => {
        const query: Read['query'] = (text, values = []) => {
          asked.push([text, values])
          return read.query(text, values)
        }
        return inner({ query })
      }),
  }
  await work(spied)
  const scans: { readonly how: string; readonly table: string }[] = []
  interface Plan {
    readonly 'Node Type': string
    readonly 'Relation Name'?: string
    readonly Plans?: readonly Plan[]
  }
  const collect = (plan: Plan): void => {
    if (plan['Relation Name'] !== undefined) scans.push({ how: plan['Node Type'], table: plan['Relation Name'] })
    for (const inner of plan.Plans ?? []) collect(inner)
  }
  for (const [text, values] of asked)
    await database.transaction('system', async ({ query, execute }) => {
      // Small tables are read whole where that may be: what is still read so has no index.
      await execute('SET LOCAL enable_seqscan = off')
      await execute('SET LOCAL plan_cache_mode = force_custom_plan')
      const { rows } = await query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(
        `EXPLAIN (FORMAT JSON) ${text}`,
        values,
      )
      for (const { Plan: plan } of rows[0]?.['QUERY PLAN'] ?? []) collect(plan)
    })
  if (asked.length === 0) throw new Error('nothing was read')
  return scans
}
