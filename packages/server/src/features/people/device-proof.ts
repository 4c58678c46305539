import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import { randomHex } from '../../kernel/ids.ts'

/** How long a challenge may be answered. */
export const CHALLENGE_MS = 120_000
/** End in base 36, a random number, HMAC-SHA-256 in base64url. */
const form = /^([0-9a-z]{1,11})\.([0-9a-f]{32})\.([\w-]{43})$/

/** Whether a hash begins with so many zero bits. */
const beginsWithZeros = (digest: Buffer, bits: number): boolean => {
  const whole = bits >> 3
  for (let index = 0; index < whole; index++) if (digest[index] !== 0) return false
  return (digest[whole] ?? 0) >> (8 - (bits & 7)) === 0
}

/**
 * Proof of work, as Hashcash has it: the challenge says itself that it is ours, for whom and how long, so nothing is kept
 * until it is answered.
 */
export const createDeviceProof = (clock: Clock, pepper: Buffer) => {
  const sign = (project: string, end: string, random: string): Buffer =>
    createHmac('sha256', pepper).update(`headgate/device-proof/1 ${project} ${end} ${random}`).digest()
  return {
    challenge: (project: string): string => {
      const end = (clock.now() + CHALLENGE_MS).toString(36)
      const random = randomHex(16)
      return `${end}.${random}.${sign(project, end, random).toString('base64url')}`
    },

    /** Whether a proof fits; that it is used once is for the caller to see. */
    holds: (project: string, challenge: string, nonce: string, bits: number): boolean => {
      const [, end = '', random = '', signature = ''] = form.exec(challenge) ?? []
      if (random === '' || clock.now() >= Number.parseInt(end, 36)) return false
      if (!timingSafeEqual(Buffer.from(signature, 'base64url'), sign(project, end, random))) return false
      return beginsWithZeros(hash('sha256', `${challenge}:${nonce}`, 'buffer'), bits)
    },
  }
}
