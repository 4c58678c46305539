import type { Command } from 'commander'
import type { DatabaseConnection } from '../kernel/db.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { type Flags, withStoreConnection } from './open-store.ts'
import { writeTable } from './output.ts'
import { readSecret } from './secret-input.ts'

type Given = Record<string, unknown>

/** The database that is named, or the house’s own. */
const withConnection = <T>(given: Given, work: (connection: DatabaseConnection) => Promise<T>): Promise<T> => {
  const url = readSecret(given['urlFile'])
  const flags: Flags = storeFlagsOf(given)
  return url === undefined ? withStoreConnection(flags, work) : work({ url })
}

const databaseCommand = (command: Command): Command =>
  addCommonOptions(command, 'store')
    .description('write the tables of a database that a policy names anew, as a dump in SQL; the database is only read')
    .requiredOption('--policy <path>', 'what becomes of each column (YAML or JSON)')
    .option('--url-file <path>', 'file with the address of the database, - for standard input; else Headgate’s own')
    .option('--output <path>', 'file that is made, or - for standard output')
    .option('--label <path>', 'where the label is written; beside the output, with .label.json')
    .option('--in-place', 'write over the rows of the database itself; needs --confirm, --label and --url-file')
    .option('--confirm <database>', 'the name of the database whose rows are written over')
    .action(async (given: Given) => {
      const { readPolicy } = await import('./anonymise/policy-file.ts')
      const { anonymiseDatabase, anonymiseInPlace } = await import('./anonymise/database.ts')
      const policy = await readPolicy(String(given['policy']))
      const texts = given as Readonly<Record<string, string | undefined>>
      const { output, label: labelPath, confirm } = texts
      const isInPlace = given['inPlace'] === true
      if (isInPlace === (output !== undefined)) throw new Error('Say where to: --output, or --in-place with --confirm.')
      if (isInPlace && (texts['urlFile'] === undefined || labelPath === undefined))
        throw new Error('--in-place needs --url-file and --label; Headgate’s own database is never written over.')
      const label = await withConnection(given, (connection) =>
        output === undefined
          ? anonymiseInPlace(connection, policy, confirm ?? '', String(labelPath))
          : anonymiseDatabase(
              connection,
              policy,
              output,
              labelPath ?? (output === '-' ? undefined : `${output}.label.json`),
            ),
      )
      if (output === '-') return
      writeTable(
        outputOf(given),
        label,
        ['table', 'rows', 'written', 'standing', 'k'],
        label.tables.map((table) => [
          table.table,
          table.rows_read,
          table.rows_written,
          table.standing,
          table.proven?.k_found,
        ]),
      )
    })

const policyCommand = (command: Command): Command =>
  addCommonOptions(command, 'store')
    .description('print a policy for Headgate’s own database, by its data map, to be read over')
    .action(async (given: Given) => {
      const { ownPolicy } = await import('./anonymise/database.ts')
      process.stdout.write(await withStoreConnection(storeFlagsOf(given), ownPolicy))
    })

/** `headgate anonymise database | policy`. */
export const addAnonymiseDatabase = (anonymise: Command): void => {
  databaseCommand(anonymise.command('database'))
  policyCommand(anonymise.command('policy'))
}
