import type { Erasure } from '@headgate/contract/privacy.ts'
import type { Database } from '../../kernel/db.ts'
import type { TableMap } from './data-map.ts'
import { readJournalLine } from './erasure-journal.ts'
import type { Requester } from './erasures.ts'
import type { Person } from './erasures.store.ts'
import type { ReceiptSigner } from './receipt.ts'

export interface ReplayPorts {
  readonly database: Database
  readonly map: Readonly<Record<string, TableMap>>
  readonly signer: ReceiptSigner
  readonly digestOf: (person: Person) => Buffer
  readonly erase: (person: Person, by: Requester) => Promise<Erasure>
}

/** What a replay did. */
export interface Replayed {
  /** Erasures of the journal that the database knows to be done. */
  readonly known: number
  /** Erasures that it does not know, or has not ended. */
  readonly missing: number
  /** People who were found by them, and erased once more. */
  readonly people: number
}

const AT_ONCE = 500

/**
 * Erases again those who were erased after the backup was made that a database was restored from. `lines` are those of the erasure
 * journal, of all replicas, in any order. To be called before the house opens its door. An erasure that the database knows to be done
 * is left alone: what it has of the person since came later. Throws `JournalLineInvalid` before anybody is erased.
 */
export const replayErasures = async (
  { database, map, signer, digestOf, erase }: ReplayPorts,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<Replayed> => {
  /** Digests that are to be erased, by project. */
  const wanted = new Map<string, Set<string>>()
  let [known, missing] = [0, 0]
  for await (const line of lines) {
    const entry = readJournalLine(line, signer)
    if (entry === null) continue
    const { rows } = await database.read({ project: entry.project }, ({ query }) =>
      query('SELECT 1 FROM headgate.privacy_erasures WHERE erasure_id = $1 AND done_at IS NOT NULL', [entry.erasure]),
    )
    if (rows.length > 0) {
      known += 1
      continue
    }
    missing += 1
    wanted.set(entry.project, (wanted.get(entry.project) ?? new Set()).add(entry.subject))
  }

  const tables = Object.entries(map).flatMap(([table, { personColumn, erasure }]) =>
    personColumn === null || erasure === 'stays' ? [] : [{ table, personColumn }],
  )
  let people = 0
  for (const [project, digests] of wanted) {
    const found = new Set<string>()
    for (const { table, personColumn } of tables) {
      let after: string | null = null
      for (;;) {
        const page: { user: string }[] = await database.read({ project }, async ({ query }) => {
          const { rows } = await query<{ user: string }>(
            `SELECT DISTINCT t.${personColumn} COLLATE "C" AS "user" FROM headgate.${table} t
              WHERE t.project_id = $1 AND t.${personColumn} IS NOT NULL AND ($2::text IS NULL OR t.${personColumn} COLLATE "C" > $2)
              ORDER BY 1 LIMIT ${AT_ONCE}`,
            [project, after],
          )
          return rows
        })
        for (const { user } of page) if (digests.has(digestOf({ project, user }).toString('hex'))) found.add(user)
        after = page.at(-1)?.user ?? null
        if (page.length < AT_ONCE) break
      }
    }
    for (const user of found) {
      await erase({ project, user }, { actor: 'headgate', requestId: '', reason: 'Replayed after a restore' })
      people += 1
    }
  }
  return { known, missing, people }
}
