import type { Erasure } from '@headgate/contract/privacy.ts'
import type { Database } from '../../kernel/db.ts'
import type { TableMap } from './data-map.ts'
import type { Requester } from './erasures.ts'
import type { Person } from './erasures.store.ts'
import { everybodyIn } from './journal.store.ts'

export interface EraseAgainPorts {
  readonly database: Database
  readonly map: Readonly<Record<string, TableMap>>
  readonly digestOf: (person: Person) => Buffer
  readonly erase: (person: Person, by: Requester) => Promise<Erasure>
}

/** Digests of names, in hexadecimal digits, by project. */
export type Digests = Map<string, Set<string>>

/** Notes a digest. */
export const wantDigest = (wanted: Digests, { project, subject }: { project: string; subject: string }): void => {
  wanted.set(project, (wanted.get(project) ?? new Set()).add(subject))
}

/**
 * Erases whoever has one of the digests. They are found by those of all names that are there, as a journal names nobody. Resolves to how
 * many there were. @throws whatever keeps it from ending: then the house must not open.
 */
export const eraseAgain = async (ports: EraseAgainPorts, wanted: Digests): Promise<number> => {
  const { database, map, digestOf, erase } = ports
  let people = 0
  for (const [project, digests] of wanted) {
    const found = new Set<string>()
    for await (const person of everybodyIn(database, map, project))
      if (!found.has(person.user) && digests.has(digestOf(person).toString('hex'))) found.add(person.user)
    for (const user of found) {
      await erase(
        { project, user },
        { actor: 'headgate', requestId: '', reason: 'A backup from before the erasure was restored.' },
      )
      people += 1
    }
  }
  return people
}
