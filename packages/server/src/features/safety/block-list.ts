import { createAutomaton, foldCharacter, foldText, type Scan } from '../../kernel/automaton.ts'
import { readPattern, wholeText } from '../../kernel/linear-pattern.ts'

/** What shall not be said, under one name. */
export interface BlockRule {
  readonly texts?: readonly string[]
  readonly patterns?: readonly string[]
  /** Absent: both. */
  readonly applies_to?: 'both' | 'prompts' | 'answers'
}

/** Looks for what is blocked. */
export interface BlockList {
  /** Begins a text that comes in pieces; what is found is the index of a name. */
  readonly begin: () => Scan
  readonly nameOf: (found: number) => string
}

/** Builds the list of one side; null where it holds nothing, so that nothing need be looked at. */
export const createBlockList = (
  rules: Readonly<Record<string, BlockRule>>,
  side: 'prompts' | 'answers',
): BlockList | null => {
  const names: string[] = []
  const patterns = Object.entries(rules).flatMap(([name, rule]) => {
    if (rule.applies_to !== undefined && rule.applies_to !== 'both' && rule.applies_to !== side) return []
    const nodes = [
      ...(rule.texts ?? []).map((text) => wholeText(foldText(text))),
      ...(rule.patterns ?? []).map((pattern) => readPattern(pattern, foldCharacter)),
    ]
    names.push(...nodes.map(() => name))
    return nodes
  })
  if (patterns.length === 0) return null
  return { begin: createAutomaton(patterns), nameOf: (found) => names[found] as string }
}

/**
 * Looks at one text after the other: each by itself, and as one with those before it, since readers put parts together that were written apart.
 * Gives the name of the list that holds something of it; null when none does.
 */
export const createTextsLook = ({ begin, nameOf }: BlockList): ((text: string) => string | null) => {
  const together = begin()
  let isFirst = true
  const lookIn = (scan: Scan, text: string): number => {
    const found = scan.feed(text)
    return found === -1 ? scan.end() : found
  }
  return (text) => {
    const alone = isFirst ? -1 : lookIn(begin(), text)
    isFirst = false
    const found = alone === -1 ? lookIn(together, text) : alone
    return found === -1 ? null : nameOf(found)
  }
}
