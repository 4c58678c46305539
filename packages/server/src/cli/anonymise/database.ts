import { constants, createReadStream } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { copyItems } from '../../features/anonymise/copy-rows.ts'
import { writeRow } from '../../features/anonymise/formats.ts'
import { policyOfMap } from '../../features/anonymise/own-policy.ts'
import type { Policy } from '../../features/anonymise/policy.ts'
import { dataMap } from '../../features/privacy/map/map.ts'
import type { DatabaseConnection } from '../../kernel/db.ts'
import { type Snapshot, withSnapshot } from '../../kernel/db-snapshot.ts'
import { AppError } from '../../kernel/errors.ts'
import { anonymiseInto, type Label } from './run.ts'
import { texts } from './streams.ts'

const format = { format: 'sql', delimiter: ',', table: '' } as const

const namesOf = (policy: Policy): readonly string[] => {
  const names = [...policy.tables.keys()]
  if (names.includes('*'))
    throw new AppError('anonymise_policy_invalid', { detail: 'A database has tables: name each under tables.' })
  return names
}

/** Writes the tables that a policy names, anonymised, as a dump in SQL; the database is only read. */
export const anonymiseDatabase = (
  connection: DatabaseConnection,
  policy: Policy,
  output: string,
  labelPath: string | undefined,
): Promise<Label> =>
  withSnapshot(connection, 'read', async (snapshot) => {
    const tables = await snapshot.find(namesOf(policy))
    const input = { open: () => snapshot.dump(tables), close: async () => {} }
    return anonymiseInto({ policy, format, input, output, labelPath })
  })

/** Takes the rows of one table at a time out of a dump. */
async function* rowsOf(path: string, table: string): AsyncGenerator<string> {
  let isAsked = false
  for await (const item of copyItems(texts(createReadStream(path)))) {
    if (item.kind === 'table') isAsked = item.name === table
    if (item.kind === 'row' && isAsked) yield writeRow(item.row, format)
  }
}

const rewrite = async (snapshot: Snapshot, policy: Policy, draft: string, labelPath: string): Promise<Label> => {
  const tables = await snapshot.find(namesOf(policy))
  const input = { open: () => snapshot.dump(tables), close: async () => {} }
  const label = await anonymiseInto({ policy, format, input, output: draft, labelPath })
  await snapshot.clear(tables)
  for (const table of tables) {
    const name = `${table.schema}.${table.name}`
    const written = label.tables.find((one) => one.table === name)?.rows_written ?? 0
    const there = await snapshot.replace(table, rowsOf(draft, name))
    if (there !== written)
      throw new Error(`${name} has ${there} rows where ${written} were written. Nothing was changed.`)
  }
  return label
}

/**
 * Puts anonymised rows in the place of those of a database, all of it in one transaction with the tables locked. `confirmed` has to be the
 * name of the database.
 */
export const anonymiseInPlace = async (
  connection: DatabaseConnection,
  policy: Policy,
  confirmed: string,
  labelPath: string,
): Promise<Label> => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-anonymise-'))
  let isLabelled = false
  try {
    return await withSnapshot(connection, 'write', async (snapshot) => {
      if (snapshot.database !== confirmed)
        throw new Error(
          `This would write over the rows of the database ${snapshot.database} for good. To confirm, say --confirm ${snapshot.database}.`,
        )
      const label = await rewrite(snapshot, policy, join(folder, 'draft.sql'), join(folder, 'label.json'))
      await copyFile(join(folder, 'label.json'), labelPath, constants.COPYFILE_EXCL)
      isLabelled = true
      return label
    })
  } catch (cause) {
    if (isLabelled) await rm(labelPath, { force: true })
    throw cause
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A policy for the house’s own tables, by its data map, as YAML to be read over. */
export const ownPolicy = (connection: DatabaseConnection): Promise<string> =>
  withSnapshot(connection, 'read', async (snapshot) => {
    const tables: Record<string, unknown> = {}
    for (const [name, known] of Object.entries(dataMap)) {
      const [table] = await snapshot.find([`headgate.${name}`])
      const columns = policyOfMap(known, table?.columns ?? [])
      if (columns !== null) tables[`headgate.${name}`] = { columns }
    }
    return stringify(
      { version: 1, keys: { people: 'people.key' }, tables },
      { flowCollectionPadding: false, collectionStyle: 'any' },
    )
  })
