const BEFORE = 60
const AFTER = 140

/** Words that are looked for, without those that must not be there. */
const wantedWords = (query: string): readonly string[] =>
  query
    .toLowerCase()
    .split(/[\s"]+/)
    .filter((word) => word !== '' && word !== 'or' && !word.startsWith('-'))

/** The text around the first word that was looked for: plain text, of some two hundred characters. */
export const snippetOf = (text: string, query: string): string => {
  const lower = text.toLowerCase()
  // Where lower case is longer than the text was, places do not agree: then it begins at the beginning.
  const places = lower.length === text.length ? wantedWords(query).map((word) => lower.indexOf(word)) : []
  const first = Math.min(...places.filter((place) => place !== -1), Number.POSITIVE_INFINITY)
  const start = Number.isFinite(first) ? Math.max(0, first - BEFORE) : 0
  const end = Math.min(text.length, start + BEFORE + AFTER)
  const cut = text.slice(start, end).toWellFormed().replaceAll('\u{fffd}', '').replaceAll(/\s+/g, ' ').trim()
  return `${start > 0 ? '…' : ''}${cut}${end < text.length ? '…' : ''}`
}
