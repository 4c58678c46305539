import { randomFillSync } from 'node:crypto'

const alphabet = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ')
const TIME_CHARACTERS = 10
const CHARACTERS = 26

const pool = Buffer.alloc(4096)
let used = pool.length
/** The last id, of which the time is kept. Made of bytes, because a string put together stays in pieces, which ids outlive. */
const id = Buffer.alloc(CHARACTERS)
let timedAt = -1

const refill = (wanted: number): void => {
  if (used + wanted <= pool.length) return
  randomFillSync(pool)
  used = 0
}

const writeTime = (at: number): void => {
  timedAt = at
  let rest = at
  for (let index = TIME_CHARACTERS - 1; index >= 0; index--) {
    id[index] = alphabet[rest % 32] as number
    rest = Math.floor(rest / 32)
  }
}

/** Random bytes as lower-case hex. */
export const randomHex = (bytes: number): string => {
  refill(bytes)
  used += bytes
  return pool.toString('hex', used - bytes, used)
}

/**
 * A ULID (github.com/ulid/spec): 48 bits of time, 80 of randomness, in Crockford's base 32; sorts by time.
 * @param at milliseconds since the epoch.
 */
export const ulid = (at: number): string => {
  if (at !== timedAt) writeTime(at)
  refill(CHARACTERS - TIME_CHARACTERS)
  for (let index = TIME_CHARACTERS; index < CHARACTERS; index++) {
    id[index] = alphabet[(pool[used++] as number) & 31] as number
  }
  return id.toString('latin1')
}

/** An id with its kind in front: `req_01J…`. */
export const prefixedId = (prefix: string, at: number): string => `${prefix}_${ulid(at)}`
