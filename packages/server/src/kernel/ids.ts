import { randomFillSync } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_CHARACTERS = 10
const RANDOM_PAIRS = 8
/** All pairs of characters: ten bits at a time. */
const pairs = Array.from({ length: 1024 }, (_, bits) => alphabet.charAt(bits >> 5) + alphabet.charAt(bits & 31))

const pool = new Uint16Array(2048)
let used = pool.length
let timedAt = -1
let time = ''

const timeOf = (at: number): string => {
  let text = ''
  let rest = at
  for (let index = 0; index < TIME_CHARACTERS; index++) {
    text = alphabet.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/**
 * A ULID (github.com/ulid/spec): 48 bits of time, 80 of randomness, in Crockford's base 32; sorts by time.
 * @param at milliseconds since the epoch.
 */
export const ulid = (at: number): string => {
  if (at !== timedAt) {
    timedAt = at
    time = timeOf(at)
  }
  if (used + RANDOM_PAIRS > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let id = time
  for (const end = used + RANDOM_PAIRS; used < end; used++) id += pairs[(pool[used] as number) & 1023]
  return id
}

/** An id with its kind in front: `req_01J…`. */
export const prefixedId = (prefix: string, at: number): string => `${prefix}_${ulid(at)}`
