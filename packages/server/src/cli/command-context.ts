import { type Command, Option } from 'commander'
import { options } from '../config/options.ts'
import type { Flags } from './open-store.ts'
import type { Output } from './output.ts'

/** Flags that choose the store, known to every command. */
const storeFlags: ReadonlySet<string> = new Set(['profile', 'data-dir', 'database-url'])

/** Adds `--json`, `--config` and the flags of the configuration: all of them, or those that choose the store. */
export const addCommonOptions = (command: Command, which: 'all' | 'store'): Command => {
  command.option('--json', 'answer with JSON').option('--config <path>', 'configuration file')
  for (const { flag, node } of options) {
    if (which !== 'all' && !storeFlags.has(flag)) continue
    // A switch is on where nothing is said of it: --standby.
    const isSwitch = node.type === 'boolean'
    const option = new Option(`--${flag} ${isSwitch ? '[value]' : '<value>'}`, node.description ?? '')
    command.addOption(isSwitch ? option.preset('true') : option)
  }
  return command
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const pick = (given: Readonly<Record<string, unknown>>, fits: (flag: string) => boolean): Flags =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const flag = kebab(name)
      return typeof value === 'string' && (flag === 'config' || fits(flag)) ? [[flag, value]] : []
    }),
  )

/** The configuration flags among the options of a command that takes them all. */
export const flagsOf = (given: Readonly<Record<string, unknown>>): Flags =>
  pick(given, (name) => options.some(({ flag }) => flag === name))

/** The flags that choose the store; a command's own options may bear the names of others, such as --models. */
export const storeFlagsOf = (given: Readonly<Record<string, unknown>>): Flags =>
  pick(given, (name) => storeFlags.has(name))

/** How to answer. */
export const outputOf = (given: Readonly<Record<string, unknown>>): Output => ({
  json: given['json'] === true,
  terminal: process.stdout.isTTY === true,
})
