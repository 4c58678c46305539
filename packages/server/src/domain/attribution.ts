/** A text as a header may hold it: what is no printable ASCII is written as in an address, by its UTF-8 bytes. */
export const asHeader = (text: string): string =>
  text.toWellFormed().replace(/[^\x20-\x7e]/gu, (character) => encodeURIComponent(character))
