import type { Database } from '../../kernel/db.ts'
import type { TableMap } from './data-map.ts'
import type { Person } from './erasures.store.ts'
import type { HoldStore } from './holds.store.ts'
import { everybodyIn } from './journal.store.ts'

/**
 * Finds whom the holds are of that were made before purges heeded them: a hold has a digest, by which the name is found among all that
 * are there. Somebody who is nowhere has nothing that could end.
 */
export const nameHolds = async (
  database: Database,
  map: Readonly<Record<string, TableMap>>,
  holds: Pick<HoldStore, 'unnamed' | 'name'>,
  digestOf: (person: Person) => Buffer,
): Promise<void> => {
  for (const hold of await holds.unnamed()) {
    const { project_id: project, subject } = hold
    if (subject === null) {
      await holds.name(hold, null)
      continue
    }
    for await (const person of everybodyIn(database, map, project))
      if (digestOf(person).equals(subject)) {
        await holds.name(hold, person.user)
        break
      }
  }
}
