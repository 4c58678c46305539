import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { ConfigFault } from './faults.ts'
import { parseYaml } from './file.ts'
import type { Variables } from './variables.ts'
import type { Leaf, Source } from './layers.ts'
import { coerce, options, pathKey } from './options.ts'
import { bedrockVariables } from './bedrock-variables.ts'
import { providerPresets } from './provider-presets.ts'
import { nearestName } from '../kernel/nearest.ts'

/** One environment variable that Headgate reads. */
export type EnvironmentVariable = { name: string; option: string; meaning: string; default?: string; secret: boolean }

/** Fall-backs that other software reads too; anything of Headgate's own is stronger. */
const fallbacks: readonly (readonly [name: string, option: string])[] = [
  ['DATABASE_URL', 'database_url'],
  ['REDIS_URL', 'redis_url'],
]

const printDefault = (value: unknown): string => {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Every environment variable, once: the table behind loading, `config explain` and the reference page. */
export const environment: readonly EnvironmentVariable[] = [
  {
    name: 'HEADGATE_CONFIG',
    option: '',
    meaning: 'Path of the configuration file.',
    default: './headgate.yaml',
    secret: false,
  },
  ...options.map(({ environment: name, path, node }) => ({
    name,
    option: path.join('.'),
    meaning: node.description ?? '',
    secret: node['x-secret'] === true || path[0] === 'providers',
    ...(node.default === undefined ? {} : { default: printDefault(node.default) }),
  })),
  ...fallbacks.map(([name, option]) => ({ name, option, meaning: `Fall-back for HEADGATE_${name}.`, secret: true })),
  ...providerPresets.flatMap(({ name, key, base_url, base_url_variable }) => [
    ...(key === undefined
      ? []
      : [
          {
            name: key,
            option: `providers.${name}`,
            meaning: `Adds the provider \`${name}\`${base_url === undefined ? '' : ` (${base_url})`}.`,
            secret: true,
          },
        ]),
    ...(base_url_variable === undefined
      ? []
      : [
          {
            name: base_url_variable,
            option: `providers.${name}.base_url`,
            meaning: `Address of \`${name}\`.`,
            default: base_url,
            secret: false,
          },
        ]),
  ]),
]

/** Folders in which the system looks for programs. */
export const searchPath = (): string => process.env['PATH'] ?? ''

/** The environment of this process. */
export const processEnvironment = (): Variables => process.env

/** The flags that Node.js was started with, those of `NODE_OPTIONS` first, as later ones are stronger. */
export const nodeFlags = (): readonly string[] => [
  ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/).filter((flag) => flag !== ''),
  ...process.execArgv,
]

/** The variables of `<folder>/.env` with the line of each; absent file: none. */
export const readDotEnv = (
  folder: string,
): { variables: Variables; lines: Map<string, number>; faults: ConfigFault[] } => {
  const lines = new Map<string, number>()
  let text: string
  try {
    text = readFileSync(join(folder, '.env'), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { variables: {}, lines, faults: [] }
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
    return { variables: {}, lines, faults: [{ where: '.env', option: '', problem: `cannot be read (${code})` }] }
  }
  text.split(/\r?\n/).forEach((line, index) => {
    const name = /^\s*(?:export\s+)?([\w.]+)\s*=/.exec(line)?.[1]
    if (name !== undefined) lines.set(name, index + 1)
  })
  return { variables: parseEnv(text), lines, faults: [] }
}

const known = new Set(environment.map((variable) => variable.name))
/** What Kubernetes injects into every pod beside a service named `headgate`. */
const serviceLink = /^HEADGATE_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP))/
/** What clients read their key from; a shell that also starts the server may well export it. */
const clientVariable = 'HEADGATE_API_KEY'

/** The options set by variables, and a fault for every unknown `HEADGATE_` name. An empty variable counts as not set. */
export const environmentLeaves = (
  variables: Variables,
  source: Source,
  where: (name: string) => string,
  folder: string,
): { leaves: Leaf[]; faults: ConfigFault[]; places: Map<string, string> } => {
  const leaves: Leaf[] = []
  const faults: ConfigFault[] = []
  const places = new Map<string, string>()
  for (const { environment: name, path, node } of options) {
    const text = variables[name]
    if (text === undefined || text === '') continue
    if (name === 'HEADGATE_PORT' && text.startsWith('tcp://')) continue
    const at = { source, where: where(name), folder }
    if (node.patternProperties === undefined) leaves.push({ ...at, path, value: coerce(node, text) })
    else {
      const parsed = parseYaml(text, where(name), source, folder, path)
      leaves.push(...parsed.leaves)
      faults.push(...parsed.faults)
      for (const [key, place] of parsed.places) places.set(key, place)
    }
    places.set(pathKey(path), where(name))
  }
  for (const name of Object.keys(variables)) {
    if (!name.startsWith('HEADGATE_') || known.has(name) || serviceLink.test(name) || name === clientVariable) continue
    const suggestion = nearestName(
      name,
      [...known].filter((right) => right.startsWith('HEADGATE_')),
    )
    faults.push({
      where: where(name),
      option: '',
      problem: 'is not a variable of Headgate',
      ...(suggestion === undefined ? {} : { suggestion }),
    })
  }
  return { leaves, faults, places }
}

/** Providers and addresses from variables that other software reads too: the weakest of what an operator states. */
export const ambientLeaves = (variables: Variables): Leaf[] => {
  const leaf = (name: string, path: readonly string[], value: string): Leaf => ({
    path,
    value,
    source: 'ambient',
    where: `environment ${name}`,
  })
  const leaves: Leaf[] = []
  for (const [name, option] of fallbacks) {
    const value = variables[name]
    if (value !== undefined && value !== '') leaves.push(leaf(name, [option], value))
  }
  for (const preset of providerPresets) {
    if (preset.key === undefined) continue
    const key = variables[preset.key]
    if (key === undefined || key === '') continue
    const moved = preset.base_url_variable === undefined ? undefined : variables[preset.base_url_variable]
    const address = moved || preset.base_url
    if (address === undefined) continue
    const path = ['providers', preset.name]
    leaves.push(leaf(preset.key, [...path, 'kind'], preset.kind), leaf(preset.key, [...path, 'api_key'], key))
    leaves.push(leaf(moved ? (preset.base_url_variable ?? '') : preset.key, [...path, 'base_url'], address))
    const version = variables['OPENAI_API_VERSION']
    if (preset.kind === 'azure' && version) leaves.push(leaf('OPENAI_API_VERSION', [...path, 'api_version'], version))
  }
  for (const { name, option, value } of bedrockVariables(variables))
    leaves.push(leaf(name, ['providers', 'bedrock', option], value))
  return leaves
}
