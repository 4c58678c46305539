import { Command, CommanderError } from 'commander'
import packageDescription from '../../package.json' with { type: 'json' }
import { addCommonOptions, flagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { writeFailure } from './output.ts'

const serveCommand = (): Command =>
  addCommonOptions(new Command('serve'), 'all')
    .description('start the server')
    .action(async (given: Record<string, unknown>) => {
      // Loaded here, so that other commands start without the web server.
      const { serve } = await import('../main/serve.ts')
      await serve(flagsOf(given))
    })

/** Starting the server loads nothing of the other commands. */
const commandsFor = async (words: readonly string[]): Promise<readonly Command[]> =>
  words[0] === 'serve' ? [serveCommand()] : [serveCommand(), ...(await import('./commands.ts')).operatorCommands()]

const buildProgram = async (words: readonly string[]): Promise<Command> => {
  const program = new Command('headgate')
    .description('Self-hosted gateway and backend for AI apps')
    .version(packageDescription.version, '-V, --version', 'print the version')
    .showHelpAfterError('Run with --help for the options.')
    .showSuggestionAfterError()
  for (const command of await commandsFor(words)) program.addCommand(command)
  return program
}

const overrideExit = (command: Command): void => {
  command.exitOverride()
  for (const inner of command.commands) overrideExit(inner)
}

/** Runs one command line, without the program's own name, and returns the exit status; see `exit-codes.ts`. */
export const runCli = async (words: readonly string[]): Promise<number> => {
  const program = await buildProgram(words)
  overrideExit(program)
  const before = process.exitCode
  try {
    await program.parseAsync([...words], { from: 'user' })
    return typeof process.exitCode === 'number' && process.exitCode !== before ? process.exitCode : exitCode.done
  } catch (cause) {
    if (cause instanceof CommanderError) {
      const asked = cause.exitCode === 0
      return asked ? exitCode.done : exitCode.usage
    }
    return writeFailure({ json: words.includes('--json'), terminal: process.stderr.isTTY === true }, cause)
  }
}
