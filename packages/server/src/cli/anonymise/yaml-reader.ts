import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'

/** What is wrong at a place of a file. */
export interface PolicyFault {
  /** `file:line:column`. */
  readonly where: string
  /** The path of names that lead there. */
  readonly option: string
  readonly problem: string
}

/** A value of a file, which knows its place; what does not fit is noted as a fault, and something harmless given instead. */
export interface YamlNode {
  readonly fault: (problem: string) => void
  readonly isMap: () => boolean
  /** A member of a map; undefined where there is none. */
  readonly member: (name: string) => YamlNode | undefined
  /** Members of a map by name; those that are not in `known`, where that is given, are faults. */
  readonly members: (known?: readonly string[]) => ReadonlyMap<string, YamlNode>
  readonly items: () => readonly YamlNode[]
  readonly text: () => string
  readonly number: (least: number, most: number) => number
  readonly integer: (least: number, most: number) => number
  readonly flag: () => boolean
  readonly oneOf: <T extends string>(known: readonly T[]) => T
}

/** Larger files are no policies. */
const mostCharacters = 4_194_304

/** Reads YAML, JSON included, so that each value knows its line. */
export const readYaml = (text: string, label: string, faults: PolicyFault[]): YamlNode | undefined => {
  if (text.length > mostCharacters) {
    faults.push({ where: label, option: '', problem: `is longer than ${mostCharacters} characters` })
    return undefined
  }
  const counter = new LineCounter()
  // prettyErrors would copy lines of the file into messages.
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, stringKeys: true })
  const placeOf = (offset: number | undefined): string => {
    const { line, col } = counter.linePos(offset ?? 0)
    return `${label}:${line}:${col}`
  }
  for (const error of [...document.errors, ...document.warnings])
    faults.push({ where: placeOf(error.pos[0]), option: '', problem: `is not readable: ${error.message}` })
  if (faults.length > 0) return undefined

  const nodeOf = (node: unknown, option: string): YamlNode => {
    const offset = (node as { range?: readonly number[] } | null)?.range?.[0]
    const note = (problem: string): void => void faults.push({ where: placeOf(offset), option, problem })
    const value = isScalar(node) ? node.value : undefined
    const inner = (name: string | number) => (option === '' ? String(name) : `${option}.${name}`)
    const members = (known?: readonly string[]): ReadonlyMap<string, YamlNode> => {
      if (!isMap(node)) {
        note('has to be a map')
        return new Map()
      }
      const found = new Map<string, YamlNode>()
      for (const { key, value: held } of node.items) {
        const name = String((key as { value?: unknown }).value)
        const at = nodeOf(held ?? key, inner(name))
        if (known !== undefined && !known.includes(name)) at.fault(`is not known; there are ${known.join(', ')}`)
        else found.set(name, at)
      }
      return found
    }
    const number = (least: number, most: number): number => {
      if (typeof value === 'number' && value >= least && value <= most) return value
      note(`has to be a number from ${least} to ${most}`)
      return least
    }
    return {
      fault: note,
      isMap: () => isMap(node),
      member: (name) => {
        const held = isMap(node) ? node.get(name, true) : undefined
        return held === undefined ? undefined : nodeOf(held, inner(name))
      },
      members,
      items: () => {
        if (isSeq(node)) return node.items.map((item, at) => nodeOf(item, inner(at)))
        note('has to be a list')
        return []
      },
      text: () => {
        if (typeof value === 'string') return value
        // 34 in a tree of ages is a text as it was written.
        if (typeof value === 'number' && isScalar(node)) return node.source ?? String(value)
        note('has to be a text')
        return ''
      },
      number,
      integer: (least, most) => {
        const given = number(least, most)
        if (Number.isInteger(given)) return given
        note('has to be a whole number')
        return least
      },
      flag: () => {
        if (typeof value === 'boolean') return value
        note('has to be true or false')
        return false
      },
      oneOf: (known) => {
        const found = known.find((name) => name === value)
        if (found === undefined) note(`has to be one of ${known.join(', ')}`)
        return found ?? (known[0] as (typeof known)[number])
      },
    }
  }
  return nodeOf(document.contents, '')
}
