import { type Piece, countTokens, escapeJson } from './tokens.ts'

/**
 * Words that, with a leading space, are exactly one o200k_base token each. The tokenizer splits before every
 * " word", so a text made of them has as many tokens as words; a test checks both claims.
 */
export const words: readonly string[] = (
  'the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one ' +
  'you were all her she there would their we him been has when who will no more if out so up said what its about than ' +
  'into them can only other time new some could these two may first then do any like my now over such our man me even ' +
  'most made after also did many off before must well back through years much where your way down should because long'
)
  .split(' ')
  .map((word) => ` ${word}`)

/** Words of two- to four-byte characters; their tokens are counted, not assumed. */
export const multibyteWords: readonly string[] = [
  ' Grüße',
  ' naïve',
  ' Привет',
  ' 日本語',
  ' 世界',
  ' 안녕하세요',
  ' 🚀',
  ' 👩‍👩‍👧‍👦',
  ' مرحبا',
  ' नमस्ते',
  ' ελληνικά',
  ' 🇫🇷',
]

/** The text of an answer as the pieces that a stream sends one by one. */
export interface Wording {
  pieces: readonly Piece[]
  text: string
  tokens: number
}

/** Joins pieces into one wording. */
export const wordingOf = (pieces: readonly Piece[]): Wording => ({
  pieces,
  text: pieces.map((piece) => piece.text).join(''),
  tokens: pieces.reduce((sum, piece) => sum + piece.tokens, 0),
})

const remembered = new Map<string, Wording>()

/** A wording of `parts` pieces with `wordsPerPart` words each, remembered because benchmarks ask for the same one. */
export const plainWording = (parts: number, wordsPerPart: number, multibyte: boolean): Wording => {
  const key = `${parts}/${wordsPerPart}/${multibyte}`
  const known = remembered.get(key)
  if (known !== undefined) return known
  const list = multibyte ? multibyteWords : words
  const costs = multibyte ? multibyteWords.map(countTokens) : undefined
  const pieces: Piece[] = []
  let next = 0
  for (let part = 0; part < parts; part += 1) {
    let text = ''
    let tokens = 0
    for (let word = 0; word < wordsPerPart; word += 1) {
      text += list[next % list.length] ?? ''
      tokens += costs?.[next % list.length] ?? 1
      next += 1
    }
    pieces.push({ text, escaped: escapeJson(text), tokens })
  }
  const wording = wordingOf(pieces)
  if (remembered.size >= 100) remembered.clear()
  if (wording.text.length < 1_000_000) remembered.set(key, wording)
  return wording
}

/** A wording of at least `bytes` bytes, and at most one round of all words more. */
export const sizedWording = (bytes: number): Wording => {
  const text = words.join('')
  const round: Piece = { text, escaped: escapeJson(text), tokens: words.length }
  return wordingOf(new Array<Piece>(Math.ceil(bytes / text.length)).fill(round))
}

/** As many of the wording's pieces as fit into `limit` tokens. */
export const shorten = (wording: Wording, limit: number): Wording => {
  if (wording.tokens <= limit) return wording
  const pieces: Piece[] = []
  let tokens = 0
  for (const piece of wording.pieces) {
    if (tokens + piece.tokens > limit) break
    tokens += piece.tokens
    pieces.push(piece)
  }
  return wordingOf(pieces)
}
