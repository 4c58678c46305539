import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConfigFault } from './faults.ts'
import type { Leaf } from './layers.ts'
import { coerce, nodeAt, pathKey, printPath } from './options.ts'
import { nearestName } from '../kernel/nearest.ts'
import type { Variables } from './variables.ts'
import type { FetchedSecret } from './secret-sources/read.ts'
import { secretKinds } from './secret-sources/source.ts'

const isManager = (kind: string): boolean => (secretKinds as readonly string[]).includes(kind)

const marker = /\$\$\{|\$\{(?:([a-z]+):([^}]*)\})?/g

const referencesIn = (value: unknown): string[] =>
  typeof value === 'string' && value.includes('${')
    ? [...value.matchAll(marker)].flatMap(([, kind = '', path = '']) => (isManager(kind) ? [`${kind}:${path}`] : []))
    : []

/** The secrets of managers that the leaves refer to, such as `vault:secret/data/app#key`. */
export const secretReferences = (leaves: readonly Leaf[]): string[] =>
  leaves.flatMap(({ value }) => (Array.isArray(value) ? value.flatMap(referencesIn) : referencesIn(value)))

/** What stands for a secret where managers are not asked. */
export type Fetched = ReadonlyMap<string, FetchedSecret> | null

/** Fills `${env:X}`, `${env:X:-default}`, `${file:path}` and `${vault:path#field}` in one text; `$${` stands for a literal `${`. Problems go to `report`. */
const fill = (
  text: string,
  variables: Variables,
  folder: string,
  fetched: Fetched,
  report: (problem: string | null, suggestion?: string) => void,
): string =>
  text.replace(marker, (whole, kind: string | undefined, argument: string | undefined) => {
    if (whole === '$${') return '${'
    if (kind === 'env' && argument !== undefined) {
      const [name = '', ...rest] = argument.split(':-')
      const value = variables[name]
      if (value !== undefined && value !== '') return value
      if (rest.length > 0) return rest.join(':-')
      report(`the environment variable ${name} is not set`, nearestName(name, Object.keys(variables)))
      return ''
    }
    if (kind === 'file' && argument !== undefined) {
      try {
        return readFileSync(resolve(folder, argument), 'utf8').replace(/\r?\n$/, '')
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
        report(`the file ${argument} cannot be read (${code})`)
        return ''
      }
    }
    if (kind !== undefined && isManager(kind)) {
      const secret = fetched?.get(`${kind}:${argument}`)
      if (secret !== undefined && 'value' in secret) return secret.value
      report(secret?.problem ?? null)
      return ''
    }
    report(
      'has a "${" that is neither ${env:NAME}, ${env:NAME:-default}, ${file:path} nor a secret such as ${vault:path#field}; write "$${" for the characters',
    )
    return ''
  })

/**
 * Fills the interpolations of every text among the leaves. A text that becomes empty counts as not given; one that stands for a number,
 * a switch or a list is turned into it. Returns the filled leaves, the faults, and the paths whose value is not known.
 */
export const interpolate = (
  leaves: readonly Leaf[],
  variables: Variables,
  fetched: Fetched,
): { leaves: Leaf[]; faults: ConfigFault[]; failed: Set<string> } => {
  const faults: ConfigFault[] = []
  const failed = new Set<string>()
  const filled: Leaf[] = []
  for (const leaf of leaves) {
    const put = (text: string, where: string): string =>
      fill(text, variables, leaf.folder ?? '.', fetched, (problem, suggestion) => {
        failed.add(pathKey(leaf.path))
        if (problem === null) return
        faults.push({
          where,
          option: printPath(leaf.path),
          problem,
          ...(suggestion === undefined ? {} : { suggestion }),
        })
      })
    if (typeof leaf.value === 'string' && leaf.value.includes('${')) {
      const text = put(leaf.value, leaf.where)
      if (text === '' && !failed.has(pathKey(leaf.path))) continue
      filled.push({ ...leaf, value: coerce(nodeAt(leaf.path), text), interpolated: true })
    } else if (
      Array.isArray(leaf.value) &&
      leaf.value.some((item) => typeof item === 'string' && item.includes('${'))
    ) {
      const value = leaf.value.map((item: unknown, index) =>
        typeof item === 'string' ? put(item, leaf.items?.[index] ?? leaf.where) : item,
      )
      filled.push({ ...leaf, value, interpolated: true })
    } else filled.push(leaf)
  }
  return { leaves: filled, faults, failed }
}
