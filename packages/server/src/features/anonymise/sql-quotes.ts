/** Within what a statement goes on: a string, a name in quotes, a comment and how deep it is, or what stands between two tags of dollars. */
export type Quote =
  | { readonly kind: 'string'; readonly hasEscapes: boolean }
  | { readonly kind: 'name' }
  | { readonly kind: 'comment'; readonly depth: number }
  | { readonly kind: 'dollars'; readonly tag: string }

const begin = /--|\/\*|'|"|\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$/g
const comment = /\/\*|\*\//g
const word = /[A-Za-z0-9_$\u0080-\uffff]/

const next = (pattern: RegExp, text: string, from: number): RegExpExecArray | null => {
  pattern.lastIndex = from
  return pattern.exec(text)
}

/** Where a string or a name ends that goes on at `from`; null where it goes on after the line. Its mark twice stands for itself. */
const closing = (text: string, from: number, mark: string, hasEscapes: boolean): number | null => {
  for (let at = from; at < text.length; at++) {
    if (hasEscapes && text[at] === '\\') at++
    else if (text[at] === mark) {
      if (text[at + 1] !== mark) return at + 1
      at++
    }
  }
  return null
}

const opened = (text: string, { 0: mark, index }: RegExpExecArray): Quote | null => {
  const before = text[index - 1] ?? ' '
  if (mark === "'") return { kind: 'string', hasEscapes: /[eE]/.test(before) && !word.test(text[index - 2] ?? ' ') }
  if (mark === '"') return { kind: 'name' }
  if (mark === '/*') return { kind: 'comment', depth: 1 }
  // A dollar within a name belongs to the name.
  return word.test(before) ? null : { kind: 'dollars', tag: mark }
}

/**
 * Within what the next line begins, where this one began within `quote`; null for nothing. As PostgreSQL reads it (the manual, 4.1: lexical
 * structure), with `standard_conforming_strings` on, as pg_dump sets it.
 */
export const quoteAfter = (text: string, quote: Quote | null): Quote | null => {
  let within = quote
  let at = 0
  while (at < text.length) {
    if (within === null) {
      const found = next(begin, text, at)
      if (found === null || found[0] === '--') return null
      within = opened(text, found)
      at = found.index + (within === null ? 1 : found[0].length)
    } else if (within.kind === 'comment') {
      const found = next(comment, text, at)
      if (found === null) return within
      const depth: number = within.depth + (found[0] === '/*' ? 1 : -1)
      within = depth === 0 ? null : { kind: 'comment', depth }
      at = found.index + 2
    } else if (within.kind === 'dollars') {
      const end = text.indexOf(within.tag, at)
      if (end === -1) return within
      at = end + within.tag.length
      within = null
    } else {
      const end = closing(text, at, within.kind === 'string' ? "'" : '"', within.kind === 'string' && within.hasEscapes)
      if (end === null) return within
      at = end
      within = null
    }
  }
  return within
}
