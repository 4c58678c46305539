import { createHash } from 'node:crypto'

/**
 * SHA-256 of a text as it is recorded: UTF-8, lines ending in LF alone, without white space at its ends; so a copy that an editor or a
 * clipboard closed with a line feed is still the same text.
 */
export const createTextDigest = () => {
  const hash = createHash('sha256')
  let isBegun = false
  /** White space that may stand at the end. */
  let pending = ''
  return {
    add: (text: string): void => {
      const rest = isBegun ? text : text.trimStart()
      if (rest === '') return
      const words = rest.trimEnd()
      if (words === '') {
        pending += rest
        return
      }
      hash.update((pending + words).replaceAll('\r\n', '\n'))
      pending = rest.slice(words.length)
      isBegun = true
    },
    /** Hexadecimal; null for a text without words. Ends it. */
    digest: (): string | null => (isBegun ? hash.digest('hex') : null),
  }
}
