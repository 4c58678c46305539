import { randomBytes } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TIME_CHARACTERS = 10
const RANDOM_CHARACTERS = 16

let pool = Buffer.alloc(0)
let used = 0

const randomByte = (): number => {
  if (used >= pool.length) {
    pool = randomBytes(4096)
    used = 0
  }
  return pool[used++] as number
}

/**
 * A ULID (github.com/ulid/spec): 48 bits of time, 80 of randomness, in Crockford's base 32; sorts by time.
 * @param at milliseconds since the epoch.
 */
export const ulid = (at: number): string => {
  let time = ''
  let rest = at
  for (let index = 0; index < TIME_CHARACTERS; index++) {
    time = alphabet.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  let random = ''
  for (let index = 0; index < RANDOM_CHARACTERS; index++) random += alphabet.charAt(randomByte() & 31)
  return time + random
}

/** An id with its kind in front: `req_01J…`. */
export const prefixedId = (prefix: string, at: number): string => `${prefix}_${ulid(at)}`
