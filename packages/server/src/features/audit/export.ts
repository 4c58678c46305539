import type { Database } from '../../kernel/db.ts'
import { entriesAfter } from './audit.store.ts'
import { canonicalJson } from './canonical.ts'
import { genesis, leafOf } from './leaf.ts'

const BATCH = 500

/**
 * The entries up to number `until` as JSON Lines: each line is the canonical JSON that the tree holds, so that its SHA-256 after a zero
 * byte is the leaf, and the hash that the next line names.
 */
export async function* exportEntries(database: Database, until: bigint): AsyncGenerator<Buffer> {
  for (let after = 0n; after < until; ) {
    const rows = await database.read('system', (read) => entriesAfter(read, after, BATCH))
    const own = rows.filter(({ seq }) => seq <= until)
    if (own.length === 0) return
    yield Buffer.from(own.map((row) => `${canonicalJson(leafOf(row, row.prev_hash ?? genesis))}\n`).join(''))
    after = own.at(-1)?.seq ?? until
  }
}
