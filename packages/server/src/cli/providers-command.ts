import {
  type CreateProvider,
  CreateProviderSchema,
  type ProviderView,
  type UpdateProvider,
  UpdateProviderSchema,
} from '@headgate/contract/providers.ts'
import { Command } from 'commander'
import type { ProvidersService } from '../features/providers/providers.service.ts'
import { compileCheck } from '../http/schema-check.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { operator, withProviders } from './operator.ts'
import { type Output, say, writeJson, writeRecord, writeTable } from './output.ts'
import { readSecret } from './secret-input.ts'

type Given = Record<string, unknown>

/** `Name: value`, a line each. */
const readHeaders = (path: unknown): Record<string, string> | undefined => {
  const text = readSecret(path)
  if (text === undefined) return undefined
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, Math.max(0, colon)).trim(), line.slice(colon + 1).trim()]
    }),
  )
}

const given = (members: Given): Given =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

const keyText = ({ api_key }: ProviderView): string | null => (api_key === null ? null : `…${api_key.last4 ?? ''}`)

const show = (output: Output, provider: ProviderView): void =>
  writeRecord(output, provider, [
    ['name', provider.name],
    ['kind', provider.kind],
    ['base_url', provider.base_url],
    ['source', provider.source],
    ['state', provider.state],
    ['api_key', keyText(provider)],
    ['headers', provider.headers.join(',')],
    ['keys', provider.keys.map(({ last4, state }) => `…${last4 ?? ''} ${state}`).join(', ')],
    ['stream_usage', String(provider.stream_usage)],
    ['changed_at', provider.changed_at],
  ])

const addSettings = (command: Command): Command =>
  command
    .option('--base-url <url>', 'address up to the version')
    .option('--api-key-file <path>', 'file that holds its key, or several, a line each; - for standard input')
    .option('--api-version <version>', 'of azure: calls go to deployments by this API version')
    .option('--headers-file <path>', 'file of headers to add upstream, "Name: value" a line; - for standard input')
    .option('--no-stream-usage', 'the server refuses stream_options')

/** Several keys stand in their file a line each. */
const keysOf = (options: Given): Given => {
  if (options['apiKey'] === false) return { api_key: null }
  const lines = readSecret(options['apiKeyFile'])
    ?.split('\n')
    .filter((line) => line.trim() !== '')
  return lines !== undefined && lines.length > 1 ? { api_keys: lines } : { api_key: lines?.[0] }
}

const settingsOf = (options: Given): Given => ({
  base_url: options['baseUrl'],
  api_version: options['apiVersion'],
  ...keysOf(options),
  headers: options['headers'] === false ? null : readHeaders(options['headersFile']),
  // Commander turns an absent --no-x into x: true.
  stream_usage: options['streamUsage'] === false ? false : undefined,
})

const addChanging = (providers: Command): void => {
  addCommonOptions(addSettings(providers.command('add').argument('<name>')), 'store')
    .description('add a provider; its key is kept sealed')
    .option('--kind <kind>', 'openai, anthropic, azure, bedrock, gemini or ollama')
    .action(async (name: string, options: Given) => {
      const body = given({ name, kind: options['kind'], ...settingsOf(options) })
      const input = compileCheck(CreateProviderSchema)(body) as CreateProvider
      show(outputOf(options), await withProviders(storeFlagsOf(options), ({ create }) => create(input, operator)))
    })
  addCommonOptions(addSettings(providers.command('update').argument('<name>')), 'store')
    .description('change a provider; what is not given stays')
    .option('--no-api-key', 'take its key away')
    .option('--no-headers', 'take its headers away')
    .option('--stream-usage', 'ask for the usage of every stream')
    .action(async (name: string, options: Given, command: Command) => {
      const stated = command.getOptionValueSource('streamUsage') === 'cli' ? options['streamUsage'] : undefined
      const body = given({ ...settingsOf(options), stream_usage: stated })
      const input = compileCheck(UpdateProviderSchema)(body) as UpdateProvider
      show(outputOf(options), await withProviders(storeFlagsOf(options), ({ update }) => update(name, input, operator)))
    })
  for (const [verb, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const)
    addCommonOptions(providers.command(verb).argument('<name>'), 'store')
      .description(
        `${enabled ? 'take a provider back into use' : 'take a provider out of use'}, also one of the configuration`,
      )
      .action(async (name: string, options: Given) => {
        const work = ({ update }: ProvidersService) => update(name, { enabled }, operator)
        show(outputOf(options), await withProviders(storeFlagsOf(options), work))
      })
  addCommonOptions(providers.command('remove').argument('<name>'), 'store')
    .description('delete a provider')
    .action(async (name: string, options: Given) => {
      const output = outputOf(options)
      await withProviders(storeFlagsOf(options), ({ remove }) => remove(name, operator))
      if (output.json) writeJson({ object: 'provider', name, deleted: true })
      else say(output, `The provider ${name} is deleted.`)
    })
}

const addLooking = (providers: Command): void => {
  addCommonOptions(providers.command('list'), 'store')
    .description('list all providers, those of the configuration included')
    .action(async (options: Given) => {
      const data = await withProviders(storeFlagsOf(options), ({ list }) => list())
      writeTable(
        outputOf(options),
        { object: 'list', data },
        ['name', 'kind', 'base url', 'source', 'state', 'key', 'changed'],
        data.map((one) => [one.name, one.kind, one.base_url, one.source, one.state, keyText(one), one.changed_at]),
      )
    })
  addCommonOptions(providers.command('test').argument('<name>'), 'store')
    .description('ask a provider for its models; fails when it does not answer')
    .action(async (name: string, options: Given) => {
      const output = outputOf(options)
      const result = await withProviders(storeFlagsOf(options), ({ test }) => test(name, operator))
      writeRecord(output, result, [
        ['name', result.name],
        ['ok', String(result.ok)],
        ['duration_ms', result.duration_ms],
        ['models', result.models_total],
        ['error', result.error && `${result.error.code}: ${result.error.message}`],
      ])
      if (!result.ok) process.exitCode = exitCode.failed
    })
}

/** `headgate providers add | list | update | enable | disable | remove | test`. */
export const providersCommand = (): Command => {
  const providers = new Command('providers').description('model providers added at run time')
  addChanging(providers)
  addLooking(providers)
  return providers
}
