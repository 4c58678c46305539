import type { CharacterSet, PatternNode } from './linear-pattern.ts'

/** Looks for many things at once in a text that comes in pieces. */
export interface Scan {
  /** The number of a thing that is found now; -1 when nothing is. */
  feed(text: string): number
  /** What is found if the text ends here, which is an edge of its last word. It may go on after that. */
  end(): number
  /** Characters so far, those left out that count for nothing. */
  length(): number
}

/** Where a text is on its way through all patterns. */
interface State {
  /** Nodes that wait for a character, beyond those at the start of every pattern, in ascending order. */
  readonly nodes: readonly number[]
  readonly found: number
  readonly next: (State | undefined)[]
}

/** States kept; beyond, all are forgotten and built anew as they are needed (as RE2 does). */
const mostStates = 2_000
const ignored = 0xffff
const space = 0x20

/** Characters that readers do not see, as Unicode names them, and strokes and dots on letters that have no form with them. */
const unseen = /[\p{Default_Ignorable_Code_Point}\u0300-\u036f]/u

/** One character as it is compared: small, and as its plain form where it has one (full width, circled). White space becomes a space. */
export const foldCharacter = (character: string): string => {
  if (/\s/.test(character)) return ' '
  const folded = character.normalize('NFKC').toLowerCase()
  return folded.length === 1 ? folded : character
}

const isHigh = (unit: number): boolean => (unit & 0xfc00) === 0xd800

/** What two halves of a character come to, once they were looked up. */
const pairs = new Map<number, number>()
const mostPairs = 4_096

/**
 * The plain form of a character beyond the first plane, such as a letter of mathematics; `ignored` where readers do not see it, and its own
 * first half where it has none.
 */
const plainOf = (high: number, low: number): number => {
  if ((low & 0xfc00) !== 0xdc00) return high
  const key = ((high & 0x3ff) << 10) | (low & 0x3ff)
  let plain = pairs.get(key)
  if (plain === undefined) {
    const character = String.fromCharCode(high, low)
    const folded = character.normalize('NFKC').toLowerCase()
    plain = unseen.test(character) ? ignored : folded.length === 1 ? folded.charCodeAt(0) : high
    if (pairs.size >= mostPairs) pairs.clear()
    pairs.set(key, plain)
  }
  return plain
}

/** Letters with their marks as one character, where there is such a one. */
const composed = (text: string): string => text.normalize('NFC')

/** A text folded, runs of space made one. */
export const foldText = (text: string): string =>
  [...composed(text)]
    .map((character) => {
      if (unseen.test(character)) return ''
      if (character.length === 1) return foldCharacter(character)
      const high = character.charCodeAt(0)
      const plain = plainOf(high, character.charCodeAt(1))
      return plain === high ? character : String.fromCharCode(plain)
    })
    .join('')
    .replace(/ +/g, ' ')
    .trim()

let folds: Uint16Array | null = null
/** Of each code unit the one that it is compared as, or `ignored`. */
const foldTable = (): Uint16Array => {
  if (folds !== null) return folds
  const table = new Uint16Array(0x10000)
  for (let unit = 0; unit < 0x10000; unit++) {
    const isHalf = unit >= 0xd800 && unit <= 0xdfff
    const character = String.fromCharCode(unit)
    table[unit] = isHalf ? unit : unseen.test(character) ? ignored : foldCharacter(character).charCodeAt(0)
  }
  folds = table
  return table
}

/** Kinds of characters that no pattern tells apart, by their folded code unit. */
const classify = (sets: readonly CharacterSet[]): { readonly classOf: Uint16Array; readonly count: number } => {
  const classOf = new Uint16Array(0x10000)
  let count = 1
  for (const { ranges } of sets) {
    const parts = new Map<number, number>()
    const moved = new Uint8Array(ranges.length === 0 ? 0 : 0x10000)
    for (const [from, to] of ranges)
      for (let unit = from; unit <= to; unit++) {
        if (moved[unit] === 1) continue
        moved[unit] = 1
        const former = classOf[unit] as number
        let part = parts.get(former)
        if (part === undefined) {
          part = count++
          parts.set(former, part)
        }
        classOf[unit] = part
      }
  }
  return { classOf, count }
}

/**
 * Builds one automaton of many patterns: a walk of one step a character, whose states are made when they are first reached. Time is linear in
 * the text whatever it holds. Capitals, width, runs of space and unseen characters make no difference.
 * @returns How a new text is begun. What is found is the index of its pattern.
 */
export const createAutomaton = (patterns: readonly PatternNode[]): (() => Scan) => {
  // Nodes: one that waits for a character (`set` ≥ 0), goes on to both `next` and `other` (-1), or is an end (-2 - pattern).
  const sets: CharacterSet[] = []
  const setIds = new Map<string, number>()
  /** Sets of many ranges are few, and shared: they are known by themselves. */
  const large = new Map<CharacterSet['ranges'], string>()
  const kind: number[] = []
  const next: number[] = []
  const other: number[] = []
  const add = (what: number, to = -1, also = -1): number => kind.push(what) && next.push(to) && other.push(also) - 1
  const idOf = (set: CharacterSet): number => {
    let ranges = large.get(set.ranges) ?? ''
    if (ranges === '') {
      ranges = `${set.ranges.join(';')};`
      if (set.ranges.length > 40) large.set(set.ranges, ranges)
    }
    const key = `${set.negated}${ranges}`
    let id = setIds.get(key)
    if (id === undefined) {
      id = sets.push(set) - 1
      setIds.set(key, id)
    }
    return id
  }
  /** Builds a pattern from its end to its beginning. @returns its first node */
  const build = (node: PatternNode, to: number): number => {
    if (node.kind === 'characters') return add(idOf(node.set), to)
    if (node.kind === 'sequence') return node.items.reduceRight((after, item) => build(item, after), to)
    if (node.kind === 'choice')
      return node.items.map((item) => build(item, to)).reduce((left, right) => add(-1, left, right))
    let first = to
    if (node.most === null) {
      const loop = add(-1, -1, to)
      next[loop] = build(node.item, loop)
      first = loop
    } else for (let more = node.least; more < node.most; more++) first = add(-1, build(node.item, first), to)
    for (let needed = 0; needed < node.least; needed++) first = build(node.item, first)
    return first
  }
  const beginnings = patterns.map((pattern, index) => build(pattern, add(-2 - index)))

  const { classOf, count } = classify(sets)
  const holds = sets.map(({ ranges, negated }) => {
    const inside = new Uint8Array(count).fill(negated ? 1 : 0)
    for (const [from, to] of ranges)
      for (let unit = from; unit <= to; unit++) inside[classOf[unit] as number] = negated ? 0 : 1
    return inside
  })
  const fold = foldTable()
  const classes = new Uint16Array(0x10000)
  for (let unit = 0; unit < 0x10000; unit++)
    classes[unit] = fold[unit] === ignored ? ignored : (classOf[fold[unit] as number] as number)
  const spaceClass = classes[space] as number
  const isSpace = (unit: number): boolean => fold[unit] === space

  /** All nodes that are reached from some without a character. */
  const reach = (from: Iterable<number>): { nodes: number[]; found: number } => {
    const seen = new Set<number>(from)
    const nodes: number[] = []
    let found = -1
    for (const node of seen) {
      const what = kind[node] as number
      if (what >= 0) nodes.push(node)
      else if (what === -1) {
        seen.add(next[node] as number)
        seen.add(other[node] as number)
      } else found = found === -1 ? -2 - what : Math.min(found, -2 - what)
    }
    return { nodes: nodes.sort((left, right) => left - right), found }
  }
  const move = (nodes: readonly number[], character: number): number[] =>
    nodes.filter((node) => holds[kind[node] as number]?.[character] === 1).map((node) => next[node] as number)

  const start = reach(beginnings).nodes
  /** Where the first character of a pattern leads, by its class. */
  const fresh: (readonly number[] | undefined)[] = []
  let states = new Map<string, State>()
  const stateOf = ({ nodes, found }: { nodes: readonly number[]; found: number }): State => {
    const key = `${found}:${nodes.join()}`
    let state = states.get(key)
    if (state === undefined) {
      if (states.size >= mostStates) states = new Map()
      state = { nodes, found, next: [] }
      states.set(key, state)
    }
    return state
  }
  const step = (state: State, character: number): State => {
    fresh[character] ??= move(start, character)
    const reached = stateOf(reach([...move(state.nodes, character), ...(fresh[character] as readonly number[])]))
    // A pattern that was found may be in the middle of another; which one is told first does not matter.
    state.next[character] = reached
    return reached
  }
  const begin = step({ nodes: [], found: -1, next: [] }, spaceClass)

  return () => {
    let state = begin
    let wasSpace = true
    let length = 0
    return {
      feed: (written) => {
        const text = composed(written)
        for (let at = 0; at < text.length; at++) {
          let unit = text.charCodeAt(at)
          if (isHigh(unit)) {
            const plain = plainOf(unit, text.charCodeAt(at + 1))
            if (plain !== unit) at++
            unit = plain
          }
          const character = classes[unit] as number
          if (character === ignored) continue
          if (isSpace(unit)) {
            if (wasSpace) continue
            wasSpace = true
          } else wasSpace = false
          length++
          state = state.next[character] ?? step(state, character)
          if (state.found !== -1) return state.found
        }
        return -1
      },
      end: () => (wasSpace ? -1 : (state.next[spaceClass] ?? step(state, spaceClass)).found),
      length: () => length,
    }
  }
}
