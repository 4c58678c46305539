import { type Carrier, frequenciesOf, GRID, orientationsOf, samplesOf } from './mark-carrier.ts'
import { decodeMark, encodeMark } from './mark-code.ts'

/** How far each bit is to stand from 0 in a picture of middling activity, in units of one frequency. */
const STRENGTH = 3.6
/** The mark is reckoned on so many samples and drawn out from there. */
export const FINE = 512
/** What is clipped at black and white, or held down in quiet areas, is made up for so many times. */
const ROUNDS = 4
/** Shares of the strength that are tried, until the change is small enough. */
const AIMS = [1, 0.5]
/** A sign counts for so many times the middle one at most: one that stands far on the wrong side must not outweigh several that stand right. */
const LOUDEST = 2
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

const meanSquare = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value * value, 0) / values.length

/** Frequencies that bring every bit of a picture to its aim. */
const frequenciesFor = (
  grid: Float64Array,
  mask: Float64Array,
  carrier: Carrier,
  signs: Float64Array,
  aim: number,
): Float64Array => {
  const added = new Float64Array(frequenciesOf(grid).length)
  let held = grid
  for (let round = 0; round < ROUNDS; round++) {
    const read = carrier.read(frequenciesOf(held))
    const gains = read.map((value, bit) => {
      const sign = signs[bit] as number
      return sign * Math.max(0, aim - sign * value)
    })
    carrier.spread(added, gains)
    const change = samplesOf(added, GRID)
    held = grid.map((value, at) =>
      Math.min(WHITE, Math.max(BLACK, value + (change[at] as number) * (mask[at] as number))),
    )
  }
  return added
}

/** These frequencies over `FINE` by `FINE` samples, less where less is wanted. */
const drawn = (added: Float64Array, mask: Float64Array): Float64Array =>
  samplesOf(added, FINE).map((value, at) => {
    const [x, y] = [at % FINE, Math.floor(at / FINE)]
    return value * (mask[(y >> 1) * GRID + (x >> 1)] as number)
  })

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
  const middling = (STRENGTH * mask.reduce((sum, value) => sum + value, 0)) / mask.length
  let best: Float64Array | null = null
  for (const share of AIMS) {
    const added = frequenciesFor(grid, mask, carrier, signs, middling * share)
    best = drawn(added, mask)
    if (meanSquare(best) <= MOST_CHANGE) return best
  }
  const change = best as Float64Array
  const share = Math.sqrt(MOST_CHANGE / meanSquare(change))
  return change.map((value) => value * share)
}

/** The name that a grid carries under this key, whichever way the picture was turned; null where there is none. */
export const nameIn = (grid: Float64Array, carrier: Carrier, key: Buffer): ReturnType<typeof decodeMark> => {
  for (const turned of orientationsOf(frequenciesOf(grid))) {
    const read = carrier.read(turned)
    const most = LOUDEST * (read.map(Math.abs).sort()[read.length >> 1] as number)
    const found = decodeMark(
      key,
      read.map((value) => Math.min(most, Math.max(-most, value))),
    )
    if (found !== null) return found
  }
  return null
}
