import { Command, InvalidArgumentError, Option } from 'commander'
import { formats } from '../features/anonymise/formats.ts'
import { addAnonymiseDatabase } from './anonymise-database-command.ts'
import { outputOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { say, writeJson, writeRecord, writeTable } from './output.ts'

type Given = Record<string, unknown>

const whole = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It is no whole number above zero.')
  return value
}
const listOf = (text: string): string[] => text.split(',').map((name) => name.trim())

/** Options that are texts. */
const textsOf = (given: Given): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))

const addFormat = (command: Command): Command =>
  command
    .addOption(new Option('--format <format>', 'of the input; by the ending of its name').choices(formats))
    .option('--delimiter <character>', 'between the cells of CSV', ',')
    .option('--table <name>', 'the name of the table of CSV and JSON Lines; that of the file')
    .option('--json', 'answer with JSON')

const runCommand = (command: Command): Command =>
  addFormat(command)
    .description('write an input anew by a policy, with a label of what was done and shown')
    .argument('<input>', 'file, or - for standard input')
    .requiredOption('--policy <path>', 'what becomes of each column (YAML or JSON)')
    .requiredOption('--output <path>', 'file that is made, or - for standard output')
    .option('--label <path>', 'where the label is written; beside the output, with .label.json')
    .action(async (path: string, given: Given) => {
      const { readPolicy } = await import('./anonymise/policy-file.ts')
      const { anonymiseFile, formatOf } = await import('./anonymise/run.ts')
      const policy = await readPolicy(String(given['policy']))
      const output = String(given['output'])
      const label = await anonymiseFile(path, {
        policy,
        format: formatOf(path, textsOf(given)),
        output,
        labelPath: textsOf(given)['label'] ?? (output === '-' ? undefined : `${output}.label.json`),
      })
      // What goes to standard output is the data alone.
      if (output === '-') return
      writeTable(
        outputOf(given),
        label,
        ['table', 'rows', 'written', 'standing', 'k'],
        label.tables.map(({ table, rows_read, rows_written, standing, proven }) => [
          table,
          rows_read,
          rows_written,
          standing,
          proven?.k_found,
        ]),
      )
    })

const checkCommand = (command: Command): Command =>
  addFormat(command)
    .description('say how alike rows are by their quasi-identifiers; fails below --k or --l')
    .argument('<input>', 'file, or - for standard input')
    .requiredOption('--quasi <columns>', 'quasi-identifiers, with commas between', listOf)
    .option('--k <rows>', 'rows of the smallest group', whole, 2)
    .option('--sensitive <column>', 'column whose values are counted in each group')
    .option('--l <values>', 'different values that each group has at least', whole, 2)
    .action(async (path: string, given: Given) => {
      const { formatOf } = await import('./anonymise/run.ts')
      const { inspectFile } = await import('./anonymise/inspect.ts')
      const { found, ok } = await inspectFile(path, {
        format: formatOf(path, textsOf(given)),
        quasi: given['quasi'] as readonly string[],
        k: Number(given['k']),
        sensitive: textsOf(given)['sensitive'],
        l: Number(given['l']),
      })
      const output = outputOf(given)
      if (output.json) writeJson({ object: 'anonymity_check', ok, ...found })
      else {
        writeRecord(output, {}, [
          ['rows', found.rows],
          ['groups', found.groups],
          ['smallest group', found.smallest],
          ['rows that stand alone', found.unique],
          ...found.models.map(({ column, found: l }) => [`fewest values of ${column}`, l] as const),
        ])
        say(output, ok ? 'What is asked is fulfilled.' : 'What is asked is not fulfilled.')
      }
      if (!ok) process.exitCode = exitCode.failed
    })

/** `headgate anonymise run | check | database | policy`: data for others, by a policy, with what was proven of it. */
export const anonymiseCommand = (): Command => {
  const anonymise = new Command('anonymise').description('make data that tells less of people')
  runCommand(anonymise.command('run'))
  checkCommand(anonymise.command('check'))
  addAnonymiseDatabase(anonymise)
  return anonymise
}
