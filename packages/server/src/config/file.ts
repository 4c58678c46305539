import { LineCounter, type Pair, type ParsedNode, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { ConfigFault } from './faults.ts'
import type { Leaf, Source } from './layers.ts'
import { pathKey, printPath } from './options.ts'

/** YAML text read into leaves, each with its place. */
export type ParsedFile = {
  leaves: Leaf[]
  faults: ConfigFault[]
  /** Place of every key by path. */
  places: Map<string, string>
}

/** Names through which an object's prototype could be reached. */
const forbidden = new Set(['__proto__', 'constructor', 'prototype'])
const mostNodes = 20_000
const mostDepth = 32

/**
 * Reads YAML (JSON included), keeping line and column of every key and the literal text of numbers. Syntax errors, names that reach
 * prototypes, unknown tags, NUL characters and alias bombs become faults.
 */
export const parseYaml = (
  text: string,
  label: string,
  source: Source,
  folder: string,
  base: readonly string[] = [],
): ParsedFile => {
  const counter = new LineCounter()
  const parsed: ParsedFile = { leaves: [], faults: [], places: new Map() }
  // prettyErrors would copy source lines, and with them secrets, into messages.
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, stringKeys: false })
  const place = (offset: number | undefined): string => {
    if (offset === undefined) return label
    const { line, col } = counter.linePos(offset)
    return `${label}:${line}:${col}`
  }
  for (const error of [...document.errors, ...document.warnings]) {
    const problem = error.code === 'DUPLICATE_KEY' ? 'a key is given twice' : `is not readable YAML: ${error.message}`
    parsed.faults.push({ where: place(error.pos[0]), option: '', problem })
  }
  if (parsed.faults.length > 0) return parsed

  let nodes = 0
  const fault = (offset: number | undefined, path: readonly string[], problem: string): undefined => {
    parsed.faults.push({ where: place(offset), option: printPath(path), problem })
  }

  /** The plain value of a list item; lists of maps fit no option and are left for validation to name. */
  const plain = (node: unknown): unknown => {
    if (isScalar(node)) return node.value
    if (isAlias(node)) return plain(node.resolve(document))
    return Object.create(null)
  }

  const walk = (node: ParsedNode | null, path: readonly string[], depth: number): void => {
    nodes += 1
    if (nodes === mostNodes || depth > mostDepth) return fault(node?.range[0], path, 'is nested or repeated too much')
    if (nodes > mostNodes || node === null) return
    if (isAlias(node)) {
      const target = node.resolve(document) as ParsedNode | undefined
      return target === undefined
        ? fault(node.range[0], path, 'refers to an unknown anchor')
        : walk(target, path, depth + 1)
    }
    const at = { path, source, folder, where: parsed.places.get(pathKey(path)) ?? place(node.range[0]) }
    if (isMap(node)) {
      if (node.items.length === 0 && path.length > base.length)
        parsed.leaves.push({ ...at, value: Object.create(null) })
      for (const pair of node.items) walkPair(pair as Pair<ParsedNode, ParsedNode | null>, path, depth)
    } else if (isSeq(node)) {
      const items = node.items.map((item) => place((item as ParsedNode).range[0]))
      parsed.leaves.push({ ...at, items, value: node.items.map((item) => plain(item)) })
    } else if (isScalar(node) && node.value !== null) {
      const literal = typeof node.value === 'number' && node.source !== undefined ? { text: node.source } : {}
      parsed.leaves.push({ ...at, value: node.value, ...literal })
    }
  }

  const walkPair = (pair: Pair<ParsedNode, ParsedNode | null>, path: readonly string[], depth: number): void => {
    const { key, value } = pair
    if (!isScalar(key)) return fault(key.range[0], path, 'has a key that is no name')
    const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
    const here = [...path, name]
    if (forbidden.has(name)) return fault(key.range[0], path, `the name "${name}" is refused`)
    if (name.includes('\0')) return fault(key.range[0], path, 'has a name with a NUL character')
    parsed.places.set(pathKey(here), place(key.range[0]))
    walk(value, here, depth + 1)
  }

  const top = document.contents as ParsedNode | null
  if (top !== null && !isMap(top) && !(isScalar(top) && top.value === null)) {
    fault(top.range[0], base, 'must be a map of options')
    return parsed
  }
  walk(top, base, 0)
  // Nothing of a bomb is worth checking further.
  return nodes < mostNodes ? parsed : { ...parsed, leaves: [] }
}
