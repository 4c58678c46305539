import { type Carrier, frequenciesOf, GRID, orientationsOf, samplesOf } from './mark-carrier.ts'
import { decodeMark, encodeMark } from './mark-code.ts'

/** How far each bit is to stand from 0 in a picture of middling activity, in units of one frequency. */
const STRENGTH = 3.6
/** The mark is reckoned on so many samples and drawn out from there. */
export const FINE = 512
/** What is clipped at black and white, or held down in quiet areas, is made up for so many times. */
const ROUNDS = 4
/** Mean square of the largest change, in steps of luminance: 41.3 dB. */
const MOST_CHANGE = 4.8
const BLACK = 0
const WHITE = 255
/** An area without any detail takes this share of what a busy one takes. */
const QUIET = 0.5
const BUSY = 1.5
/** Deviation of luminance around a sample that makes it as busy as the middle. */
const MIDDLING = 6
const REACH = 2

/** How much each sample of a grid may change, relatively: the eye sees less where there is more. */
const maskOf = (grid: Float64Array): Float64Array => {
  const mask = new Float64Array(grid.length)
  for (let y = 0; y < GRID; y++)
    for (let x = 0; x < GRID; x++) {
      let [sum, squares, count] = [0, 0, 0]
      for (let dy = Math.max(0, y - REACH); dy <= Math.min(GRID - 1, y + REACH); dy++)
        for (let dx = Math.max(0, x - REACH); dx <= Math.min(GRID - 1, x + REACH); dx++) {
          const value = grid[dy * GRID + dx] as number
          sum += value
          squares += value * value
          count += 1
        }
      const deviation = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2))
      mask[y * GRID + x] = Math.min(BUSY, QUIET + ((1 - QUIET) * deviation) / MIDDLING)
    }
  return mask
}

/**
 * What to add to the luminance of a picture so that it carries a name, as `FINE` by `FINE` samples.
 * The picture's own part in each bit is reckoned with (informed embedding: Miller, Doërr and Cox, 2004): a bit that stands right
 * already changes nothing.
 * @param grid luminance, `GRID` by `GRID`, 0 to 255
 * @param name below 2^60
 */
export const changeFor = (grid: Float64Array, carrier: Carrier, key: Buffer, name: bigint): Float64Array => {
  const signs = encodeMark(key, name)
  const mask = maskOf(grid)
  const aim = (STRENGTH * mask.reduce((sum, value) => sum + value, 0)) / mask.length
  const added = new Float64Array(frequenciesOf(grid).length)
  let held = grid
  for (let round = 0; round < ROUNDS; round++) {
    const read = carrier.read(frequenciesOf(held))
    carrier.spread(
      added,
      read.map((value, bit) => {
        const sign = signs[bit] as number
        return sign * Math.max(0, aim - sign * value)
      }),
    )
    const change = samplesOf(added, GRID)
    held = grid.map((value, at) =>
      Math.min(WHITE, Math.max(BLACK, value + (change[at] as number) * (mask[at] as number))),
    )
  }
  const change = samplesOf(added, FINE)
  let squares = 0
  for (let y = 0; y < FINE; y++)
    for (let x = 0; x < FINE; x++) {
      const at = y * FINE + x
      change[at] = (change[at] as number) * (mask[(y >> 1) * GRID + (x >> 1)] as number)
      squares += (change[at] as number) ** 2
    }
  const share = Math.sqrt(MOST_CHANGE / Math.max(MOST_CHANGE, squares / change.length))
  return share === 1 ? change : change.map((value) => value * share)
}

/** The name that a grid carries under this key, whichever way the picture was turned; null where there is none. */
export const nameIn = (grid: Float64Array, carrier: Carrier, key: Buffer): ReturnType<typeof decodeMark> => {
  for (const turned of orientationsOf(frequenciesOf(grid))) {
    const found = decodeMark(key, carrier.read(turned))
    if (found !== null) return found
  }
  return null
}
