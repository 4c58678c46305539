import type { TableMap } from '../data-map.ts'
import { keptTables } from './kept.ts'
import { moneyTables } from './money.ts'
import { operationTables } from './operation.ts'
import { peopleTables } from './people.ts'
import { rememberedTables } from './remembered.ts'

/** Every table of the schema `headgate`, and what its columns hold. Partitions are as their table. */
export const dataMap: Readonly<Record<string, TableMap>> = {
  ...keptTables,
  ...rememberedTables,
  ...moneyTables,
  ...operationTables,
  ...peopleTables,
}
