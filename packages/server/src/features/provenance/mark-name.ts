import { NAME_BITS } from './mark-code.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** Characters of five bits each: the whole time of a ULID, to the millisecond, and ten of its random bits. */
const NAMED = NAME_BITS / 5
const ULID_CHARACTERS = 26
const requestId = /^req_([0-7][0-9A-HJKMNP-TV-Z]{25})$/

/** What a mark names for a request: the beginning of its id; null where the id is none of this house. */
export const nameOf = (id: string): bigint | null => {
  const characters = requestId.exec(id)?.[1]?.slice(0, NAMED)
  if (characters === undefined) return null
  return [...characters].reduce((name, character) => (name << 5n) | BigInt(alphabet.indexOf(character)), 0n)
}

/** The beginning of the id of the request that a mark names, such as `req_01KG9V6V80Q3`. */
export const beginningOf = (name: bigint): string =>
  `req_${Array.from({ length: NAMED }, (_, index) => alphabet[Number((name >> BigInt(5 * (NAMED - 1 - index))) & 31n)]).join('')}`

/** The first and the last id that begins so. */
export const idsFrom = (beginning: string): readonly [first: string, last: string] => [
  beginning + '0'.repeat(ULID_CHARACTERS - NAMED),
  beginning + 'Z'.repeat(ULID_CHARACTERS - NAMED),
]
