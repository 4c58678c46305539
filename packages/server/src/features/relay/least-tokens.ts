const backslash = 92
const letterU = 117

/** Beyond this many characters a token, an answer has more tokens than events: prose and code have three to five. */
const charactersPerToken = 8

/** Characters of the inside of a JSON string literal: an escape is one, and so is a character of several bytes. */
export const countCharacters = (literal: Buffer, start: number, end: number): number => {
  let characters = 0
  for (let at = start; at < end; at += 1) {
    const byte = literal[at] as number
    if ((byte & 0xc0) === 0x80) continue
    characters += 1
    if (byte === backslash) at += literal[at + 1] === letterU ? 5 : 1
  }
  return characters
}

/**
 * Output tokens that a stream surely stands for: one per event with a part, but not fewer than one per eight characters,
 * for providers that put several tokens into an event. Low rather than high, since it is charged without a count.
 */
export const leastTokens = (parts: number, characters: number): number =>
  Math.max(parts, Math.floor(characters / charactersPerToken))
