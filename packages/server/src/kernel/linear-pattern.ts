/**
 * Patterns that are matched in time linear in the text, whatever the text is: regular expressions without what makes others slow (no
 * references back, no looking around; repetitions are bounded or loops of an automaton, never tries). The syntax is the part of
 * JavaScript's that RE2 takes too: characters, `.`, `[…]`, `\d \w \s` and their opposites, `( )`, `|`, `* + ? {m,n}`, and `\b` at
 * either end.
 */
export type PatternNode =
  | { readonly kind: 'characters'; readonly set: CharacterSet }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly items: readonly PatternNode[] }
  /** `most` null: without bound. */
  | { readonly kind: 'repeat'; readonly item: PatternNode; readonly least: number; readonly most: number | null }

/** Ranges of UTF-16 code units, ends included; `negated`: all others. */
export interface CharacterSet {
  readonly ranges: readonly (readonly [number, number])[]
  readonly negated: boolean
}

/** What is wrong with a pattern. */
export class PatternFault extends Error {}

const mostLength = 256
const mostRepeats = 200
const mostDepth = 10
/** Nodes of the automaton that one pattern may come to. */
const mostNodes = 4_000

const digits: CharacterSet = { ranges: [[48, 57]], negated: false }
const spaces: CharacterSet = { ranges: [[32, 32]], negated: false }
const any: CharacterSet = { ranges: [], negated: true }
const escapedControls: Readonly<Record<string, string>> = { n: ' ', r: ' ', t: ' ', f: ' ', v: ' ' }

let words: CharacterSet | null = null
/** Scripts that put no space between words: a word of theirs has no edge to look for. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const wordCharacter = /[\p{L}\p{N}\p{M}_]/u

/** Letters, digits and marks of scripts that put space between words, and the underscore. Built once it is asked for. */
export const wordCharacters = (): CharacterSet => {
  if (words !== null) return words
  const ranges: [number, number][] = []
  for (let unit = 0; unit < 0xd800; unit++) {
    const character = String.fromCharCode(unit)
    if (!wordCharacter.test(character) || unspaced.test(character)) continue
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === unit - 1) last[1] = unit
    else ranges.push([unit, unit])
  }
  words = { ranges, negated: false }
  return words
}

/** All that a set does not hold. */
export const opposite = ({ ranges, negated }: CharacterSet): CharacterSet => ({ ranges, negated: !negated })

const one = (unit: number): CharacterSet => ({ ranges: [[unit, unit]], negated: false })
const edge = (): PatternNode => ({ kind: 'characters', set: opposite(wordCharacters()) })

/** A text as it stands, to be found as a whole word where it begins or ends with a letter or digit. @param text folded already. */
export const wholeText = (text: string): PatternNode => {
  const items: PatternNode[] = [...text.split('')].map((unit) => ({
    kind: 'characters',
    set: one(unit.charCodeAt(0)),
  }))
  const isWord = (unit: number): boolean => wordCharacters().ranges.some(([from, to]) => unit >= from && unit <= to)
  const starts = isWord(text.charCodeAt(0))
  const ends = isWord(text.charCodeAt(text.length - 1))
  return { kind: 'sequence', items: [...(starts ? [edge()] : []), ...items, ...(ends ? [edge()] : [])] }
}

const sizeOf = (node: PatternNode): number => {
  if (node.kind === 'characters') return 1
  if (node.kind === 'repeat') return 1 + sizeOf(node.item) * Math.max(1, node.most ?? node.least + 1)
  return node.items.reduce((sum, item) => sum + sizeOf(item), 1)
}

const canBeEmpty = (node: PatternNode): boolean => {
  if (node.kind === 'characters') return false
  if (node.kind === 'repeat') return node.least === 0 || canBeEmpty(node.item)
  return node.kind === 'sequence' ? node.items.every(canBeEmpty) : node.items.some(canBeEmpty)
}

const shorthand = (letter: string): CharacterSet | null => {
  const set = { d: digits, s: spaces, w: null }[letter.toLowerCase()]
  if (set === undefined) return null
  const found = set ?? wordCharacters()
  return letter === letter.toLowerCase() ? found : opposite(found)
}

/**
 * Reads a pattern.
 * @param fold What becomes of a character before it is matched: patterns do not tell capitals from small letters.
 * @throws PatternFault
 */
export const readPattern = (text: string, fold: (character: string) => string): PatternNode => {
  let at = 0
  const wrong = (what: string): PatternFault => new PatternFault(what)
  if (text.length > mostLength) throw wrong(`is longer than ${mostLength} characters`)

  const unitOf = (character: string): number => fold(character).charCodeAt(0)
  const take = (): string => {
    const character = text[at++]
    if (character === undefined) throw wrong('ends too early')
    return character
  }
  const escaped = (): string => {
    const character = take()
    if (/[A-Za-z0-9]/.test(character) && escapedControls[character] === undefined)
      throw wrong(`holds \\${character}, which is not known here`)
    return escapedControls[character] ?? character
  }

  const readClass = (): PatternNode => {
    const negated = text[at] === '^'
    if (negated) at++
    const ranges: (readonly [number, number])[] = []
    for (let isFirst = true; text[at] !== ']' || isFirst; isFirst = false) {
      let character = take()
      if (character === '\\') {
        const set = shorthand(text[at] ?? '')
        if (set !== null) {
          if (set.negated) throw wrong('holds an opposite such as \\D inside of [ ]')
          at++
          ranges.push(...set.ranges)
          continue
        }
        character = escaped()
      }
      const from = character
      let to = character
      if (text[at] === '-' && text[at + 1] !== ']' && text[at + 1] !== undefined) {
        at++
        to = take()
        if (to === '\\') to = escaped()
      }
      if (to < from) throw wrong('holds a range that runs backwards')
      if (from !== to) ranges.push([from.charCodeAt(0), to.charCodeAt(0)])
      ranges.push([unitOf(from), unitOf(from)], [unitOf(to), unitOf(to)])
      // Capitals are folded before they are matched.
      const least = Math.max(from.charCodeAt(0), 65)
      const most = Math.min(to.charCodeAt(0), 90)
      if (least <= most) ranges.push([least + 32, most + 32])
    }
    at++
    return { kind: 'characters', set: { ranges, negated } }
  }

  const readAtom = (depth: number): PatternNode => {
    const character = take()
    if (character === '(') {
      if (text[at] === '?') {
        if (text[at + 1] !== ':') throw wrong('holds (?…), which is not known here')
        at += 2
      }
      const inner = readChoice(depth + 1)
      if (text[at++] !== ')') throw wrong('holds a ( without its )')
      return inner
    }
    if (character === '[') return readClass()
    if (character === '.') return { kind: 'characters', set: any }
    if (character === '\\') {
      const set = shorthand(text[at] ?? '')
      if (set === null) return { kind: 'characters', set: one(unitOf(escaped())) }
      at++
      return { kind: 'characters', set }
    }
    if ('*+?{}^$)'.includes(character)) throw wrong(`holds ${character} where nothing stands before it`)
    return { kind: 'characters', set: one(unitOf(character)) }
  }

  const readRepeat = (item: PatternNode): PatternNode => {
    const sign = text[at]
    const bounds: Readonly<Record<string, readonly [number, number | null]>> = {
      '*': [0, null],
      '+': [1, null],
      '?': [0, 1],
    }
    let found = sign === undefined ? undefined : bounds[sign]
    if (found !== undefined) at++
    else {
      const match = /^\{(\d{1,3})(,(\d{0,3}))?\}/.exec(text.slice(at, at + 10))
      if (match === null) return item
      at += match[0].length
      const least = Number(match[1])
      const most = match[2] === undefined ? least : match[3] === '' ? null : Number(match[3])
      if (least > mostRepeats || (most !== null && (most > mostRepeats || most < least || most === 0)))
        throw wrong(`repeats more than ${mostRepeats} times, or backwards`)
      found = [least, most]
    }
    // Whether as much or as little as possible is taken is the same to one who only asks whether anything is found.
    if (text[at] === '?') at++
    if ('*+?{'.includes(text[at] ?? ' ')) throw wrong('repeats a repetition')
    return { kind: 'repeat', item, least: found[0], most: found[1] }
  }

  const readSequence = (depth: number): PatternNode => {
    const items: PatternNode[] = []
    while (at < text.length && text[at] !== '|' && text[at] !== ')') items.push(readRepeat(readAtom(depth)))
    return { kind: 'sequence', items }
  }

  const readChoice = (depth: number): PatternNode => {
    if (depth > mostDepth) throw wrong(`nests deeper than ${mostDepth}`)
    const items = [readSequence(depth)]
    while (text[at] === '|') {
      at++
      items.push(readSequence(depth))
    }
    return items.length === 1 ? (items[0] as PatternNode) : { kind: 'choice', items }
  }

  const starts = text.startsWith('\\b')
  const ends = text.length > 2 && text.endsWith('\\b') && !text.endsWith('\\\\b')
  text = text.slice(starts ? 2 : 0, ends ? -2 : undefined)
  const body = readChoice(0)
  if (at < text.length) throw wrong('holds a ) without its (')
  if (canBeEmpty(body)) throw wrong('matches nothing at all, and so everywhere')
  const node: PatternNode =
    starts || ends ? { kind: 'sequence', items: [...(starts ? [edge()] : []), body, ...(ends ? [edge()] : [])] } : body
  if (sizeOf(node) > mostNodes) throw wrong('comes to too many steps; repeat less')
  return node
}
