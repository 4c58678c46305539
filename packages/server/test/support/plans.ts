import type { Database, Read, Transaction } from '../../src/kernel/db.ts'

class Undone extends Error {}

/**
 * The same database; each statement of these tables is explained before it runs for the first time, and what it changes is undone.
 * `take` gives the plans of what ran since it was called last.
 */
export const explaining = (
  database: () => Database,
  tables: RegExp,
): { readonly database: Database; readonly take: () => string } => {
  const plans: string[] = []
  const seen = new Set<string>()
  const explained = async (
    query: Read['query'],
    text: string,
    values: readonly unknown[] | undefined,
  ): Promise<void> => {
    if (!tables.test(text) || seen.has(text)) return
    seen.add(text)
    const { rows } = await query<{ 'QUERY PLAN': string }>(`EXPLAIN (COSTS OFF) ${text}`, values)
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
  }
  const spying = <T extends Read | Transaction>(one: T): T => {
    const { query } = one
    const spied: Record<string, unknown> = {
      ...one,
      query: async (text: string, values?: readonly unknown[]) => {
        await explained(query, text, values)
        return query(text, values)
      },
    }
    if ('execute' in one) {
      const { execute } = one as Transaction
      spied['execute'] = async (text: string, values?: readonly unknown[]) => {
        await explained(query, text, values)
        return execute(text, values)
      }
    }
    return spied as unknown as T
  }
  const spied = {
    read: (scope, work) => database().read(scope, (read) => work(spying(read))),
    transaction: async (scope, work) => {
      let result: Awaited<ReturnType<typeof work>>[] = []
      try {
        await database().transaction(scope, async (transaction) => {
          result = [await work(spying(transaction))]
          throw new Undone()
        })
      } catch (fault) {
        if (!(fault instanceof Undone)) throw fault
      }
      return result[0] as Awaited<ReturnType<typeof work>>
    },
  } as Pick<Database, 'read' | 'transaction'> as Database
  const take = (): string => {
    seen.clear()
    return plans.splice(0).join('\n')
  }
  return { database: spied, take }
}
