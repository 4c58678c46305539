import { Value } from 'typebox/value'
import { checks, moneyExpected, readMoney } from './checks.ts'
import type { ConfigFault } from './faults.ts'
import { type Leaf, type Leaves, type Tree, suggestKey } from './layers.ts'
import { type Node, holdsSecret, pathKey, printPath, recordEntry, root } from './options.ts'
import { nearestName } from '../kernel/nearest.ts'

type Path = readonly string[]

/** Answers where a path was given: the leaf itself, its key in the file, or the first thing given below it. */
export const locator =
  (leaves: Leaves, places: ReadonlyMap<string, string>) =>
  (path: Path): string => {
    const listed = leaves.get(pathKey(path.slice(0, -1)))?.items?.[Number(path.at(-1))]
    if (listed !== undefined) return listed
    for (let length = path.length; length > 0; length -= 1) {
      const key = pathKey(path.slice(0, length))
      const found = leaves.get(key)?.where ?? places.get(key)
      if (found !== undefined) return found
      for (const [other, leaf] of leaves) if (other.startsWith(`${key}\0`)) return leaf.where
    }
    return 'configuration'
  }

/** What an option holds, in words. */
export const describeExpected = (node: Node): string => {
  if (node['x-money']) return moneyExpected
  const check = node['x-check'] === undefined ? undefined : checks[node['x-check']]
  if (check !== undefined) return check.expected
  if (node.anyOf !== undefined) return node.anyOf.map(describeExpected).join(', or ')
  if (node.enum !== undefined) return node.enum.length === 1 ? `${node.enum[0]}` : `one of ${node.enum.join(', ')}`
  if (node.type === 'integer') return `a whole number from ${node.minimum} to ${node.maximum}`
  if (node.type === 'number') return `a number from ${node.minimum} to ${node.maximum}`
  if (node.type === 'boolean') return 'true or false'
  if (node.type === 'array') return 'a list of texts'
  if (node.type === 'object') return 'a map'
  return (node.minLength ?? 0) > 1
    ? `at least ${node.minLength} characters`
    : 'a text (in quotes where it looks like a number)'
}

const describeValue = (value: unknown, hidden: boolean): string => {
  if (Array.isArray(value)) return 'is a list'
  if (typeof value === 'object') return 'is a map'
  if (hidden) return typeof value === 'string' ? 'has an unfit value' : `is a ${typeof value}`
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  return `is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`
}

/** Checks the merged tree against the schema; faults name every place. Money texts among the leaves become nano-USD in the tree. */
export const validate = (
  tree: Tree,
  leaves: Leaves,
  where: (path: Path) => string,
  failed: ReadonlySet<string>,
): ConfigFault[] => {
  const faults: ConfigFault[] = []
  const report = (path: Path, problem: string, more: Partial<ConfigFault> = {}): void => {
    faults.push({ where: where(path), option: printPath(path), problem, ...more })
  }
  const suggested = (suggestion: string | undefined): Partial<ConfigFault> =>
    suggestion === undefined ? {} : { suggestion }

  const scalar = (node: Node, value: unknown, path: Path, leaf: Leaf | undefined): void => {
    const hidden = node['x-secret'] === true || leaf?.interpolated === true
    const expected = describeExpected(node)
    if (!Value.Check(node, value)) {
      report(path, describeValue(value, hidden), {
        expected,
        ...suggested(typeof value === 'string' && node.enum !== undefined ? nearestName(value, node.enum) : undefined),
      })
      return
    }
    if (typeof value !== 'string' || node['x-check'] === undefined) return
    const problem = checks[node['x-check']]?.problem(value)
    if (problem !== undefined)
      report(path, hidden ? problem : `${JSON.stringify(value.slice(0, 80))} ${problem}`, { expected })
  }

  const amount = (node: Node, value: unknown, path: Path, parent: Tree): void => {
    const leaf = leaves.get(pathKey(path))
    const text = typeof value === 'number' ? leaf?.text : value
    if (typeof text !== 'string')
      return report(path, describeValue(value, leaf?.interpolated === true), { expected: describeExpected(node) })
    const read = readMoney(text)
    if ('amount' in read) parent[path.at(-1) ?? ''] = read.amount
    else
      report(path, leaf?.interpolated ? read.problem : `${JSON.stringify(text.slice(0, 60))} ${read.problem}`, {
        expected: moneyExpected,
      })
  }

  const visit = (node: Node, value: unknown, path: Path, parent: Tree): void => {
    if (failed.has(pathKey(path))) return
    const leaf = leaves.get(pathKey(path))
    if (node['x-money']) return amount(node, value, path, parent)
    if (node.type === 'array' && Array.isArray(value)) {
      value.forEach((item: unknown, index) => scalar(node.items ?? {}, item, [...path, String(index)], leaf))
      return
    }
    if (node.type !== 'object') return scalar(node, value, path, leaf)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return report(path, describeValue(value, holdsSecret(node) || leaf?.interpolated === true), {
        expected: describeExpected(node),
      })
    }
    const map = value as Tree
    const record = recordEntry(node)
    if (record !== undefined) {
      for (const [name, entry] of Object.entries(map)) {
        if (record.pattern.test(name)) visit(record.entry, entry, [...path, name], map)
        else
          report([...path, name], 'is no possible name', { expected: `a name that matches ${record.pattern.source}` })
      }
      return
    }
    const properties = node.properties ?? {}
    for (const [name, entry] of Object.entries(map)) {
      const child = Object.hasOwn(properties, name) ? properties[name] : undefined
      if (child !== undefined) visit(child, entry, [...path, name], map)
      else report([...path, name], 'there is no such option', suggested(suggestKey(name, Object.keys(properties))))
    }
    for (const name of node.required ?? []) {
      if (name in map) continue
      const child = properties[name]
      report(path, `"${name}" is missing`, child === undefined ? {} : { expected: describeExpected(child) })
    }
  }

  visit(root, tree, [], tree)
  return faults
}
