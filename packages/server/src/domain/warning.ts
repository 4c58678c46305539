import { header } from '@headgate/contract/headers.ts'

/** Adds one sentence to what the caller is told beside the answer. */
export const addWarning = (headers: Record<string, string>, warning: string): void => {
  const others = headers[header.warning]
  headers[header.warning] = others === undefined ? warning : `${others}, ${warning}`
}

/** Most places that are named; a hostile request has thousands. */
const MOST_NAMED = 20
const MOST_CHARACTERS = 80

/** The name of a place is the caller's own: nothing of it may end a header or fill it. */
export const printablePlace = (place: string): string => place.slice(0, MOST_CHARACTERS).replace(/[^\w.[\]-]/g, '?')

/** What a translation left out, as a header may say it: places, in ASCII; null when nothing was lost. */
export const notCarriedOver = (places: readonly string[]): string | null => {
  if (places.length === 0) return null
  const more = places.length > MOST_NAMED ? ` and ${places.length - MOST_NAMED} more` : ''
  return `not carried over: ${places.slice(0, MOST_NAMED).map(printablePlace).join(' ')}${more}`
}
