import type { Database } from '../../kernel/db.ts'

const PAGE = 1_000

/** The names of all objects that contents are made of, each once, in order. */
export const objectNames = async function* (database: Database): AsyncIterable<string> {
  for (let after = ''; ; ) {
    const { rows } = await database.read('system', ({ query }) =>
      query<{ object: string }>(
        'SELECT DISTINCT object FROM headgate.asset_chunks WHERE object > $1 ORDER BY object LIMIT $2',
        [after, PAGE],
      ),
    )
    for (const { object } of rows) yield object
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    after = last.object
  }
}
