import { createHmac } from 'node:crypto'

/** Bits of what a mark names. */
export const NAME_BITS = 60
/** Of which so many low ones scramble the others, and so many prove that it is a mark. */
const SEED_BITS = 20
const CHECK_BITS = 32
/** Zeros that bring the encoder back to where it began. */
const TAIL_BITS = 6
const STATES = 1 << TAIL_BITS
/** Generators of a convolutional code of rate 1/3 and constraint length 7, whose messages differ in 15 signs at least, which is the most there is (Larsen, 1973). */
const generators = [0o133, 0o145, 0o175] as const
const MESSAGE_BITS = NAME_BITS + CHECK_BITS
/** Bits that stand in a picture. */
export const CODED_BITS = (MESSAGE_BITS + TAIL_BITS) * generators.length

const parity = (value: number): number => {
  let rest = value
  let odd = 0
  while (rest !== 0) {
    odd ^= rest & 1
    rest >>>= 1
  }
  return odd
}

/** What the encoder says where it holds six bits and a seventh comes, each as −1 or 1. */
const said: readonly (readonly number[])[] = Array.from({ length: STATES * 2 }, (_, window) =>
  generators.map((generator) => parity(window & generator) * 2 - 1),
)

const bitsOf = (value: bigint, count: number): number[] =>
  Array.from({ length: count }, (_, index) => Number((value >> BigInt(count - 1 - index)) & 1n))
const valueOf = (bits: readonly number[]): bigint => bits.reduce((value, bit) => (value << 1n) | BigInt(bit), 0n)

const digestOf = (key: Buffer, use: string, value: bigint): bigint =>
  createHmac('sha256', key).update(`${use}:${value}`).digest().readBigUInt64BE()

/** The high bits under a mask that the low ones choose: pictures of one hour would else carry nearly the same signs, which their average shows. */
const scrambled = (key: Buffer, name: bigint): bigint => {
  const seed = name & ((1n << BigInt(SEED_BITS)) - 1n)
  const mask = digestOf(key, 'mask', seed) >> BigInt(64 - (NAME_BITS - SEED_BITS))
  return name ^ (mask << BigInt(SEED_BITS))
}

/** HMAC-SHA-256 of the name, cut: whoever has not the key makes no mark, and noise passes once in 2^32. */
const checkOf = (key: Buffer, name: bigint): bigint => digestOf(key, 'check', name) >> BigInt(64 - CHECK_BITS)

/** @param name below 2^60. @returns the signs that stand in a picture, −1 or 1 */
export const encodeMark = (key: Buffer, name: bigint): Float64Array => {
  const message = [...bitsOf(scrambled(key, name), NAME_BITS), ...bitsOf(checkOf(key, name), CHECK_BITS)]
  const signs = new Float64Array(CODED_BITS)
  let window = 0
  for (const [step, bit] of [...message, ...Array<number>(TAIL_BITS).fill(0)].entries()) {
    window = (window >> 1) | (bit << TAIL_BITS)
    signs.set(said[window] as readonly number[], step * generators.length)
  }
  return signs
}

/** The likeliest message behind what was read: Viterbi's algorithm (1967), by correlation. */
const likeliest = (read: Float64Array): number[] => {
  const steps = CODED_BITS / generators.length
  let scores = new Float64Array(STATES).fill(-Infinity)
  scores[0] = 0
  const came = new Uint8Array(steps * STATES)
  for (let step = 0; step < steps; step++) {
    const next = new Float64Array(STATES).fill(-Infinity)
    const at = step * generators.length
    for (let state = 0; state < STATES; state++) {
      const score = scores[state] as number
      if (score === -Infinity) continue
      for (let bit = 0; bit <= (step < MESSAGE_BITS ? 1 : 0); bit++) {
        const window = state | (bit << TAIL_BITS)
        const [one = 0, two = 0, three = 0] = said[window] as readonly number[]
        const sum =
          score + one * (read[at] as number) + two * (read[at + 1] as number) + three * (read[at + 2] as number)
        const to = window >> 1
        if (sum <= (next[to] as number)) continue
        next[to] = sum
        came[step * STATES + to] = state
      }
    }
    scores = next
  }
  const bits: number[] = []
  let state = 0
  for (let step = steps - 1; step >= 0; step--) {
    bits.push(state >> (TAIL_BITS - 1))
    state = came[step * STATES + state] as number
  }
  return bits.reverse().slice(0, MESSAGE_BITS)
}

/** What a mark names, and how many of its bits were read right, from 0.5 to 1; null where there is none under this key. */
export const decodeMark = (key: Buffer, read: Float64Array): { name: bigint; agreement: number } | null => {
  const bits = likeliest(read)
  const name = scrambled(key, valueOf(bits.slice(0, NAME_BITS)))
  if (checkOf(key, name) !== valueOf(bits.slice(NAME_BITS))) return null
  const signs = encodeMark(key, name)
  const right = signs.filter((sign, index) => sign * (read[index] as number) > 0).length
  return { name, agreement: right / CODED_BITS }
}
