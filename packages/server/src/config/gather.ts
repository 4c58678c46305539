import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { budgetProblems } from '../domain/budget-problems.ts'
import { alertFaults } from './alert-faults.ts'
import { auditFaults } from './audit-faults.ts'
import { priceFaults } from './price-faults.ts'
import { backupFaults } from './backup-faults.ts'
import { assetsFaults } from './assets-faults.ts'
import { encryptionFaults } from './encryption-faults.ts'
import { dateFaults } from './date-faults.ts'
import { retentionFaults } from './retention-faults.ts'
import { policyProblems } from '../domain/policy-problems.ts'
import { ambientLeaves, environmentLeaves, processEnvironment, readDotEnv } from './env.ts'
import type { ConfigFault } from './faults.ts'
import { type ParsedFile, parseYaml } from './file.ts'
import { interpolate, secretReferences } from './interpolate.ts'
import type { Variables } from './variables.ts'
import { type Leaf, type Leaves, lay, schemaDefaults, toTree } from './layers.ts'
import { coerce, nodeAt, options, printPath } from './options.ts'
import { profileDefaults, profileRefusals } from './profiles.ts'
import { callTemplateFaults } from './template-faults.ts'
import { completeProviders, providerFaults, withoutForeignKeys } from './providers.ts'
import { type LoadedConfig, type Profile, profileNames } from './schema.ts'
import { nearestName } from '../kernel/nearest.ts'
import { readSignerFiles, type SignerFiles } from './signer-files.ts'
import { type TlsFiles, readTlsFiles } from './tls-files.ts'
import { locator, validate } from './validate.ts'

/** What the configuration is read from. Flags by option: `{'port': '0', 'data-dir': './data', 'log-level': 'debug', 'config': './other.yaml'}`. */
export type ConfigInput = {
  flags?: Partial<Record<string, string>>
  environment?: Variables
  /** Folder of `.env` and `headgate.yaml`; the current one by default. */
  cwd?: string
  /** Ask no secret manager: what it holds is not known, and not checked. Nothing can be started with such a configuration. */
  offline?: boolean
}

/** Where each value came from, by dotted option. */
export type Sources = readonly Leaf[]

/** What every source together says, and all that is wrong with it. */
export type Gathered = {
  /** Of the shape that its type says only where there are no faults. */
  loaded: LoadedConfig
  leaves: Leaves
  faults: ConfigFault[]
  tls?: TlsFiles
  signer?: SignerFiles
  /** The environment and `.env`: where key services are, and what Headgate shows to them. */
  variables: Variables
}

/** The clients of the managers are loaded only where a manager is asked. */
const fetchSecrets = async (references: readonly string[], variables: Variables) =>
  references.length === 0
    ? new Map<never, never>()
    : (await import('./secret-sources/read.ts')).readSecrets(references, variables)

const kebab = (flag: string): string =>
  flag
    .replace(/^-+/, '')
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .replace(/[._]/g, '-')

const flagLeaves = (
  flags: Partial<Record<string, string>>,
  folder: string,
): { leaves: Leaf[]; faults: ConfigFault[]; file?: string } => {
  const leaves: Leaf[] = []
  const faults: ConfigFault[] = []
  let file: string | undefined
  for (const [given, text] of Object.entries(flags)) {
    if (text === undefined) continue
    const name = kebab(given)
    const where = `flag --${name}`
    const option = options.find((candidate) => candidate.flag === name)
    if (name === 'config') file = text
    else if (option === undefined) {
      const suggestion = nearestName(name, ['config', ...options.map((candidate) => candidate.flag)])
      faults.push({
        where,
        option: '',
        problem: 'there is no such flag',
        ...(suggestion === undefined ? {} : { suggestion }),
      })
    } else if (option.node.patternProperties !== undefined) {
      const parsed = parseYaml(text, where, 'flag', folder, option.path)
      leaves.push(...parsed.leaves)
      faults.push(...parsed.faults)
    } else leaves.push({ path: option.path, value: coerce(option.node, text), source: 'flag', where, folder })
  }
  return { leaves, faults, ...(file === undefined ? {} : { file }) }
}

const readFile = (cwd: string, asked: string | undefined, askedBy: string): ParsedFile & { folder: string } => {
  const label = asked ?? 'headgate.yaml'
  const path = resolve(cwd, label)
  const empty = { leaves: [], faults: [], places: new Map<string, string>(), folder: dirname(path) }
  try {
    return { ...parseYaml(readFileSync(path, 'utf8'), label, 'file', dirname(path)), folder: dirname(path) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
    if (code === 'ENOENT' && asked === undefined) return empty
    return {
      ...empty,
      faults: [
        {
          where: asked === undefined ? label : askedBy,
          option: '',
          problem: `the file ${label} cannot be read (${code})`,
        },
      ],
    }
  }
}

const profileOf = (leaves: Leaves): Profile => {
  const value = leaves.get('profile')?.value
  return profileNames.find((name) => name === value) ?? 'development'
}

/** What no schema says of a limit. */
const policyFaults = (loaded: LoadedConfig, where: ReturnType<typeof locator>): ConfigFault[] =>
  Object.entries(loaded.limits.policies ?? {}).flatMap(([name, policy]) =>
    policyProblems(policy).map(({ location, message, fix }) => {
      const path = ['limits', 'policies', name]
      return {
        where: where([...path, location]),
        option: printPath(path),
        problem: `${location} ${message}`,
        expected: fix,
      }
    }),
  )

/** What no schema says of a budget. */
const budgetFaults = (loaded: LoadedConfig, where: ReturnType<typeof locator>): ConfigFault[] =>
  Object.entries(loaded.budgets ?? {}).flatMap(([name, rule]) =>
    budgetProblems(rule).map(({ location, message, fix }) => ({
      where: where(['budgets', name, location]),
      option: printPath(['budgets', name]),
      problem: `${location} ${message}`,
      expected: fix,
    })),
  )

/** Line 2 before line 13. */
const byPlace = new Intl.Collator('en', { numeric: true })

/** Reads every source and checks everything; makes and changes nothing. */
export const gather = async (input: ConfigInput): Promise<Gathered> => {
  const cwd = resolve(input.cwd ?? '.')
  const real = input.environment ?? processEnvironment()
  const dotEnv = readDotEnv(cwd)
  const both: Variables = {
    ...dotEnv.variables,
    ...Object.fromEntries(Object.entries(real).filter(([, value]) => value !== undefined && value !== '')),
  }
  const inDotEnv = (name: string): string => `.env:${dotEnv.lines.get(name) ?? 1} ${name}`

  const fromFlags = flagLeaves(input.flags ?? {}, cwd)
  const fromEnvironment = environmentLeaves(real, 'environment', (name) => `environment ${name}`, cwd)
  const fromDotEnv = environmentLeaves(dotEnv.variables, '.env', inDotEnv, cwd)
  const asked = fromFlags.file ?? (both['HEADGATE_CONFIG'] === '' ? undefined : both['HEADGATE_CONFIG'])
  const file = readFile(cwd, asked, fromFlags.file === undefined ? 'environment HEADGATE_CONFIG' : 'flag --config')
  const references = secretReferences(file.leaves)
  const fetched = input.offline === true ? null : await fetchSecrets(references, both)
  const filled = interpolate(file.leaves, both, fetched)

  const stated: Leaves = new Map()
  for (const layer of [filled.leaves, fromDotEnv.leaves, fromEnvironment.leaves, fromFlags.leaves]) lay(stated, layer)
  const leaves: Leaves = new Map()
  lay(leaves, schemaDefaults())
  lay(leaves, profileDefaults(profileOf(stated)))
  lay(leaves, withoutForeignKeys(ambientLeaves(both), stated))
  lay(leaves, [...stated.values()])
  completeProviders(leaves)

  const where = locator(leaves, new Map([...file.places, ...fromDotEnv.places, ...fromEnvironment.places]))
  for (const leaf of leaves.values()) {
    if (nodeAt(leaf.path)?.['x-path'] && typeof leaf.value === 'string')
      leaf.value = resolve(leaf.folder ?? cwd, leaf.value)
  }
  const tree = toTree(leaves.values())
  const failed = new Set([...filled.failed].filter((key) => leaves.get(key)?.source === 'file'))
  const faults = [
    ...fromFlags.faults,
    ...fromEnvironment.faults,
    ...dotEnv.faults,
    ...fromDotEnv.faults,
    ...file.faults,
    ...filled.faults,
  ]
  const schemaFaults = validate(tree, leaves, where, failed)
  faults.push(...schemaFaults)
  const loaded = tree as unknown as LoadedConfig
  // The rules across options read typed values, which only a valid tree has.
  if (schemaFaults.length === 0 && failed.size === 0) {
    faults.push(...providerFaults(loaded, where), ...profileRefusals(loaded, where))
    faults.push(
      ...dateFaults(loaded, where),
      ...retentionFaults(loaded, where),
      ...priceFaults(loaded, where),
      ...callTemplateFaults(loaded, where),
      ...policyFaults(loaded, where),
      ...budgetFaults(loaded, where),
      ...alertFaults(loaded, where),
      ...auditFaults(loaded, where),
      ...assetsFaults(loaded, where),
      ...encryptionFaults(loaded, where),
      ...backupFaults(loaded, where),
    )
    if (loaded.standby && loaded.database_url !== undefined) {
      faults.push({
        where: where(['standby']),
        option: 'standby',
        problem: 'is for the embedded PostgreSQL: on an external one, replicas serve side by side',
        expected: 'false, or no database_url',
      })
    }
    if (loaded.counters === 'redis' && loaded.redis_url === undefined) {
      faults.push({
        where: where(['counters']),
        option: 'counters',
        problem: '"redis" needs redis_url',
        expected: 'HEADGATE_REDIS_URL',
      })
    }
    if (loaded.cache.store === 'redis' && loaded.redis_url === undefined) {
      faults.push({
        where: where(['cache', 'store']),
        option: 'cache.store',
        problem: '"redis" needs redis_url',
        expected: 'HEADGATE_REDIS_URL',
      })
    }
  }
  const tls = faults.length === 0 ? readTlsFiles(loaded, where, faults) : undefined
  const signer = faults.length === 0 ? readSignerFiles(loaded, where, faults) : undefined
  return {
    loaded,
    leaves,
    faults: faults.toSorted((left, right) => byPlace.compare(left.where, right.where)),
    ...(tls && { tls }),
    ...(signer && { signer }),
    variables: both,
  }
}
