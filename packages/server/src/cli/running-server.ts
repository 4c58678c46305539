import type { Command } from 'commander'
import { ownAddressOf } from '../compose/address.ts'
import { loadConfig } from '../config/config.ts'
import { addCommonOptions, storeFlagsOf } from './command-context.ts'
import { httpAddress } from './http-address.ts'
import { readSecret } from './secret-input.ts'

type Given = Readonly<Record<string, unknown>>

/** Which server, and as whom: as told, else the one that this configuration describes, by its admin key. */
export const reach = async (given: Given, path: string): Promise<{ url: string; headers: Record<string, string> }> => {
  const named = given['key'] ?? readSecret(given['keyFile'])
  const { config, secrets } =
    given['url'] !== undefined && named !== undefined
      ? { config: null, secrets: null }
      : await loadConfig({ flags: storeFlagsOf(given) })
  const { url: told } = given
  const url = typeof told === 'string' ? told : config === null ? '' : ownAddressOf(config, config.port)
  const key = named ?? secrets?.admin_key?.reveal()
  if (typeof key !== 'string')
    throw new Error('The configuration holds no admin key: give an operator’s with --key-file or --key.')
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return { url: `${url.replace(/\/+$/, '')}${path}`, headers }
}

/** What a server says that does not do what it was asked for. */
export const refusal = (status: number, text: string): Error => {
  const { message, code } = ((): { message?: string; code?: string } => {
    try {
      return (JSON.parse(text) as { error?: { message?: string; code?: string } }).error ?? {}
    } catch {
      return {}
    }
  })()
  return new Error(`The server answered ${status} ${code ?? ''}: ${message ?? 'it gave no reason.'}`)
}

/** Options of commands that ask a running server. */
export const addServerOptions = (command: Command): Command =>
  addCommonOptions(command, 'store')
    .option('--url <url>', 'address of the server; else the one of the configuration', httpAddress)
    .option('--key <key>', 'key of an operator, seen by whoever lists the processes of this machine')
    .option('--key-file <path>', 'file that holds it; - for standard input; else the admin key of the configuration')
