import type { ConfigFault } from './faults.ts'
import type { Leaf, Leaves } from './layers.ts'
import { nodeAt, pathKey, printPath } from './options.ts'
import { sharedCredentials } from './bedrock-variables.ts'
import {
  anthropicAddress,
  elevenLabsAddress,
  geminiAddress,
  ollamaAddress,
  providerPresets,
} from './provider-presets.ts'
import { providerKinds } from '../domain/provider-kind.ts'
import type { LoadedConfig } from './schema.ts'
import { nearestName } from '../kernel/nearest.ts'

const presetKind = (name: string): string =>
  providerPresets.find((candidate) => candidate.name === name)?.kind ?? (name === 'bedrock' ? name : 'openai')

const isNamed = (name: string, stated: Leaves): boolean =>
  [...stated.values()].some(({ path }) => path[0] === 'providers' && path[1] === name)

/**
 * Leaves out a key found in the environment where the operator points that provider's name elsewhere: it must not reach another host. Keys that
 * serve all of AWS make no provider that nobody named.
 */
export const withoutForeignKeys = (ambient: readonly Leaf[], stated: Leaves): Leaf[] => {
  const isShared = ambient.some(({ path, where }) => path[1] === 'bedrock' && where.endsWith(` ${sharedCredentials}`))
  return ambient.filter(({ path: [group, name = ''] }) => {
    if (group !== 'providers') return true
    if (name === 'bedrock' && isShared && !isNamed(name, stated)) return false
    const ofName = presetKind(name)
    const kind = stated.get(pathKey(['providers', name, 'kind']))?.value ?? ofName
    return kind === ofName && !stated.has(pathKey(['providers', name, 'base_url']))
  })
}

/** Takes out entries set to `false`, and completes the kind and address of providers whose name says them. */
export const completeProviders = (leaves: Leaves): void => {
  for (const [key, { path, value }] of leaves) {
    if (value === false && nodeAt(path.slice(0, -1))?.['x-removable']) leaves.delete(key)
  }
  // What the one switch stands for; a provider `local` that is described may also be alone.
  if (leaves.get(pathKey(['local_engines']))?.value === true) {
    const path = ['providers', 'local', 'kind']
    if (!leaves.has(pathKey(path)) && !leaves.has(pathKey(['providers', 'local'])))
      leaves.set(pathKey(path), { path, value: 'local', source: 'default', where: 'default' })
  }
  const names = new Set(
    [...leaves.values()].flatMap(({ path }) => (path[0] === 'providers' && path.length > 2 ? [path[1] ?? ''] : [])),
  )
  for (const { path, value } of leaves.values()) {
    if (path[0] === 'providers' && path.length === 2 && typeof value === 'object' && path[1] !== undefined)
      names.add(path[1])
  }
  for (const name of names) {
    const preset = providerPresets.find((candidate) => candidate.name === name)
    const add = (option: string, value: string): void => {
      const path = ['providers', name, option]
      leaves.delete(pathKey(['providers', name]))
      leaves.set(pathKey(path), { path, value, source: 'default', where: 'default' })
    }
    const kindKey = pathKey(['providers', name, 'kind'])
    const implied = preset?.kind ?? name
    if (!leaves.has(kindKey) && providerKinds.some((kind) => kind === implied)) add('kind', implied)
    const kind = leaves.get(kindKey)?.value
    if (leaves.has(pathKey(['providers', name, 'base_url']))) continue
    if (kind === 'ollama') add('base_url', ollamaAddress)
    if (kind === 'anthropic') add('base_url', anthropicAddress)
    if (kind === 'gemini') add('base_url', geminiAddress)
    if (kind === 'elevenlabs') add('base_url', elevenLabsAddress)
    if (kind === 'openai' && preset?.kind === kind && preset.base_url) add('base_url', preset.base_url)
  }
}

/** Faults of a provider's concurrency: bounds that cross. */
const concurrencyFaults = (config: LoadedConfig, where: (path: readonly string[]) => string): ConfigFault[] =>
  Object.entries(config.providers).flatMap(([name, { concurrency }]) => {
    if (concurrency === undefined) return []
    const { min, initial, max = config.upstream.connections } = concurrency
    const crossing = (option: string, problem: string, expected: string): ConfigFault[] => {
      const path = ['providers', name, 'concurrency', option]
      return [{ where: where(path), option: printPath(path), problem, expected }]
    }
    if (initial !== undefined && initial > max)
      return crossing('initial', `${initial} is more than max`, `at most ${max}`)
    const most = initial ?? max
    if (min !== undefined && min > most)
      return crossing('min', `${min} is more than the limit begins with`, `at most ${most}`)
    return []
  })

/** Faults of logins that no proxy would be told. */
const loginFaults = (config: LoadedConfig, where: (path: readonly string[]) => string): ConfigFault[] => {
  const say = (path: readonly string[]): ConfigFault => ({
    where: where(path),
    option: printPath(path),
    problem: 'is for no proxy',
    expected: '"proxy" beside it',
  })
  const { proxy, proxy_login: login } = config.upstream
  return [
    ...(login !== undefined && proxy === undefined ? [say(['upstream', 'proxy_login'])] : []),
    ...Object.entries(config.providers).flatMap(([name, provider]) =>
      provider.proxy_login === undefined || (provider.proxy !== undefined && provider.proxy !== 'none')
        ? []
        : [say(['providers', name, 'proxy_login'])],
    ),
  ]
}

/** Kinds of which nobody but the operator knows the address. */
const addressed: ReadonlySet<string> = new Set(['openai', 'azure', 'bedrock', 'http'])

/** Faults across providers and models: no address, bounds of concurrency that cross, or a price for a provider that nobody knows. */
export const providerFaults = (config: LoadedConfig, where: (path: readonly string[]) => string): ConfigFault[] => {
  const faults = [...concurrencyFaults(config, where), ...loginFaults(config, where)]
  for (const [name, provider] of Object.entries(config.providers)) {
    if (!addressed.has(provider.kind) || provider.base_url !== undefined) continue
    const path = ['providers', name]
    faults.push({
      where: where(path),
      option: printPath(path),
      problem: '"base_url" is missing',
      expected: 'such as https://host/v1',
    })
  }
  const known = [
    ...Object.keys(config.providers),
    ...providerPresets.map((preset) => preset.name),
    'ollama',
    'bedrock',
    'demo',
    'local',
  ]
  for (const model of Object.keys(config.models)) {
    const provider = model.slice(0, model.indexOf('/'))
    if (known.includes(provider)) continue
    const path = ['models', model]
    const suggestion = nearestName(provider, known)
    faults.push({
      where: where(path),
      option: printPath(path),
      problem: `there is no provider "${provider}"`,
      ...(suggestion === undefined ? {} : { suggestion: `${suggestion}${model.slice(provider.length)}` }),
    })
  }
  return faults
}
