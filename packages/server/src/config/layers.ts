import { options, pathKey } from './options.ts'
import { nearestName } from '../kernel/nearest.ts'

/** Where a value came from, strongest first; `ambient` is what other software also reads: OPENAI_API_KEY, DATABASE_URL. */
export type Source = 'flag' | 'environment' | '.env' | 'file' | 'ambient' | 'profile' | 'default'

/** One value at one path: a scalar, a list, or an empty map. */
export type Leaf = {
  path: readonly string[]
  value: unknown
  /** The literal text of a YAML number, so that money never passes through a float. */
  text?: string
  source: Source
  where: string
  /** The places of a list's items. */
  items?: readonly string[]
  /** Came from the environment or another file by `${…}`: may be a secret, so it is never echoed. */
  interpolated?: boolean
  /** Folder from which a relative path counts. */
  folder?: string
}

/** Leaves by path; later layers replace earlier ones. */
export type Leaves = Map<string, Leaf>

const isEmptyMap = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0

/** Lays leaves over what is there: a scalar takes away what was below its path, a nested value takes away a scalar above it. */
export const lay = (under: Leaves, over: readonly Leaf[]): void => {
  const parents = new Set<string>()
  const note = (path: readonly string[]): void => {
    for (let depth = 1; depth < path.length; depth += 1) parents.add(pathKey(path.slice(0, depth)))
  }
  for (const leaf of under.values()) note(leaf.path)
  for (const leaf of over) {
    const key = pathKey(leaf.path)
    if (parents.has(key)) {
      if (isEmptyMap(leaf.value)) continue
      for (const other of [...under.keys()].filter((inside) => inside.startsWith(`${key}\0`))) under.delete(other)
    }
    for (let depth = 1; depth < leaf.path.length; depth += 1) under.delete(pathKey(leaf.path.slice(0, depth)))
    under.set(key, leaf)
    note(leaf.path)
  }
}

export type Tree = { [name: string]: unknown }

/** The leaves as nested objects without prototype, so that no name can reach one. */
export const toTree = (leaves: Iterable<Leaf>): Tree => {
  const tree: Tree = Object.create(null)
  for (const leaf of leaves) {
    let at = tree
    for (const name of leaf.path.slice(0, -1)) {
      const next = at[name]
      at = (typeof next === 'object' && next !== null ? next : (at[name] = Object.create(null))) as Tree
    }
    const last = leaf.path.at(-1)
    if (last !== undefined) at[last] = leaf.value
  }
  return tree
}

/** The defaults that the schema states; maps of named entries start empty. */
export const schemaDefaults = (): Leaf[] =>
  options.flatMap(({ path, node }) => {
    const value = node.patternProperties === undefined ? structuredClone(node.default) : Object.create(null)
    return value === undefined ? [] : [{ path, value, source: 'default' as const, where: 'default' }]
  })

const leafNames = options.map((option) => ({ name: option.path.at(-1) ?? '', full: option.path.join('.') }))

/** The nearest right name for an unknown key: among its neighbours first, else an option of that name elsewhere. */
export const suggestKey = (name: string, neighbours: readonly string[]): string | undefined =>
  nearestName(name, neighbours) ?? leafNames.find((leaf) => leaf.name === name || leaf.full === name)?.full
