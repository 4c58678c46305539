/** Words that carry nothing of what a memory says. */
const fillers = new Set(['a', 'an', 'the', 'that', 'this', 'very', 'really'])
/** How a memory may begin that is about the person anyway: models write it so, people do not. */
const beginnings = new Set(['user', 'person', 'customer', 'i', 'he', 'she', 'they'])
/** The words of a text in small letters, without apostrophes, in order. */
const wordsOf = (text: string): readonly string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/['’]/g, '')
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

const weighty = (text: string): readonly string[] => {
  const words = wordsOf(text).filter((word) => !fillers.has(word))
  return words.length > 1 && beginnings.has(words[0] as string) ? words.slice(1) : words
}

/** What a text says whatever its case, marks and articles, and whether it begins with who it is about. A text of marks alone is itself. */
export const simplest = (text: string): string => weighty(text).join(' ') || text.trim()
