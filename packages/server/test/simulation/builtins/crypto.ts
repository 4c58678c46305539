// Stands in for node:crypto where the product takes randomness from it; all else is the real one.
import { stage } from '../stage.ts'

export { createHmac } from 'node:crypto'

/** Random bytes that the seed decides. */
export const randomFillSync = (buffer: Buffer): Buffer => {
  const { world } = stage
  for (let index = 0; index < buffer.length; index++) buffer[index] = world?.random.below(256) ?? 0
  return buffer
}
