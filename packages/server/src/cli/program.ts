import { Command, CommanderError } from 'commander'
import { adminCommand } from './admin-command.ts'
import { addCommonOptions, flagsOf } from './command-context.ts'
import { configCommand } from './config-command.ts'
import { diagnosticsCommand } from './diagnostics-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { encryptionCommand } from './encryption-command.ts'
import { exitCode } from './exit-codes.ts'
import { keysCommand } from './keys-command.ts'
import { writeFailure } from './output.ts'
import { budgetsCommand } from './budgets-command.ts'
import { limitsCommand } from './limits-command.ts'
import { projectsCommand } from './projects-command.ts'
import { providersCommand } from './providers-command.ts'
import { smokeCommand } from './smoke-command.ts'
import { ledgerCommand, migrateCommand } from './store-commands.ts'

const serveCommand = (): Command =>
  addCommonOptions(new Command('serve'), 'all')
    .description('start the server')
    .action(async (given: Record<string, unknown>) => {
      // Loaded here, so that other commands start without the web server.
      const { serve } = await import('../main/serve.ts')
      await serve(flagsOf(given))
    })

const buildProgram = (): Command => {
  const program = new Command('headgate')
    .description('Self-hosted gateway and backend for AI apps')
    .showHelpAfterError('Run with --help for the options.')
    .showSuggestionAfterError()
  const commands = [
    serveCommand(),
    keysCommand(),
    projectsCommand(),
    providersCommand(),
    budgetsCommand(),
    limitsCommand(),
    encryptionCommand(),
    adminCommand(),
    migrateCommand(),
    configCommand(),
    doctorCommand(),
    diagnosticsCommand(),
    smokeCommand(),
    ledgerCommand(),
  ]
  for (const command of commands) program.addCommand(command)
  return program
}

const overrideExit = (command: Command): void => {
  command.exitOverride()
  for (const inner of command.commands) overrideExit(inner)
}

/** Runs one command line, without the program's own name, and returns the exit status; see `exit-codes.ts`. */
export const runCli = async (words: readonly string[]): Promise<number> => {
  const program = buildProgram()
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
