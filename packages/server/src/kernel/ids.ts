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

const refill = (wanted: number): void => {
  if (used + wanted <= pool.length) return
  randomFillSync(pool)
  used = 0
}

const timeOf = (at: number): string => {
  let text = ''
  let rest = at
  for (let index = 0; index < TIME_CHARACTERS; index++) {
    text = alphabet.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** An even number of random bytes as lower-case hex. */
export const randomHex = (bytes: number): string => {
  refill(bytes / 2)
  let text = ''
  for (const end = used + bytes / 2; used < end; used++) {
    const pair = pool[used] as number
    text += (hexBytes[pair >> 8] as string) + (hexBytes[pair & 255] as string)
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
  refill(RANDOM_PAIRS)
  let id = time
  for (const end = used + RANDOM_PAIRS; used < end; used++) id += pairs[(pool[used] as number) & 1023]
  return id
}

/** An id with its kind in front: `req_01J…`. */
export const prefixedId = (prefix: string, at: number): string => `${prefix}_${ulid(at)}`
