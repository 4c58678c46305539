import { createCipheriv } from 'node:crypto'
import { CODED_BITS } from './mark-code.ts'

/** Every picture is looked at as so many by so many samples of its luminance, whatever its size: so a mark outlives another size. */
export const GRID = 256
/** Frequencies that carry the mark, by their distance from the mean in half waves over the picture: below them it would be seen, above them it would be lost. */
const LOWEST = 24
const HIGHEST = 128

/** cos(π k (2x + 1) / 2N), scaled so that the transform over the grid keeps lengths. */
const cosines = (samples: number): Float64Array => {
  const table = new Float64Array(HIGHEST * samples)
  for (let wave = 0; wave < HIGHEST; wave++)
    for (let at = 0; at < samples; at++)
      table[wave * samples + at] =
        Math.sqrt((wave === 0 ? 1 : 2) / GRID) * Math.cos((Math.PI * wave * (2 * at + 1)) / (2 * samples))
  return table
}
const tables = new Map<number, Float64Array>()
const tableOf = (samples: number): Float64Array => {
  const table = tables.get(samples) ?? cosines(samples)
  tables.set(samples, table)
  return table
}

/** The low frequencies of a grid: DCT-II in both directions, row by row of frequencies. */
export const frequenciesOf = (grid: Float64Array): Float64Array => {
  const table = tableOf(GRID)
  const rows = new Float64Array(GRID * HIGHEST)
  for (let y = 0; y < GRID; y++)
    for (let u = 0; u < HIGHEST; u++) {
      let sum = 0
      for (let x = 0; x < GRID; x++) sum += (grid[y * GRID + x] as number) * (table[u * GRID + x] as number)
      rows[u * GRID + y] = sum
    }
  const found = new Float64Array(HIGHEST * HIGHEST)
  for (let v = 0; v < HIGHEST; v++)
    for (let u = 0; u < HIGHEST; u++) {
      let sum = 0
      for (let y = 0; y < GRID; y++) sum += (rows[u * GRID + y] as number) * (table[v * GRID + y] as number)
      found[v * HIGHEST + u] = sum
    }
  return found
}

/** What these frequencies are over so many by so many samples. */
export const samplesOf = (frequencies: Float64Array, samples: number): Float64Array => {
  const table = tableOf(samples)
  const columns = new Float64Array(HIGHEST * samples)
  for (let v = 0; v < HIGHEST; v++)
    for (let u = 0; u < HIGHEST; u++) {
      const value = frequencies[v * HIGHEST + u] as number
      if (value === 0) continue
      for (let x = 0; x < samples; x++)
        columns[v * samples + x] = (columns[v * samples + x] as number) + value * (table[u * samples + x] as number)
    }
  const made = new Float64Array(samples * samples)
  for (let y = 0; y < samples; y++)
    for (let v = 0; v < HIGHEST; v++) {
      const factor = table[v * samples + y] as number
      for (let x = 0; x < samples; x++)
        made[y * samples + x] = (made[y * samples + x] as number) + factor * (columns[v * samples + x] as number)
    }
  return made
}

/** Which frequencies carry which bit, with which sign: the secret of a house. */
export interface Carrier {
  /** Adds to each frequency of a bit what this bit is to gain. */
  readonly spread: (frequencies: Float64Array, gains: Float64Array) => void
  /** How far each bit stands from 0, in units of one frequency. */
  readonly read: (frequencies: Float64Array) => Float64Array
}

/** Spread spectrum (Cox, Kilian, Leighton and Shamoon, 1997) over places that the key chooses. @param key 32 bytes */
export const createCarrier = (key: Buffer): Carrier => {
  const places: number[] = []
  for (let v = 0; v < HIGHEST; v++)
    for (let u = 0; u < HIGHEST; u++) {
      const distance = Math.hypot(u, v)
      if (distance >= LOWEST && distance < HIGHEST) places.push(v * HIGHEST + u)
    }
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(places.length * 5))
  // Fisher and Yates; the bias of the remainder is below 2^-18.
  for (let last = places.length - 1; last > 0; last--) {
    const other = stream.readUInt32LE(last * 5) % (last + 1)
    const place = places[last] as number
    places[last] = places[other] as number
    places[other] = place
  }
  const each = Math.floor(places.length / CODED_BITS)
  const used = Int32Array.from(places.slice(0, each * CODED_BITS))
  const signs = Float64Array.from(used, (_, index) => ((stream[index * 5 + 4] as number) & 1) * 2 - 1)
  // Pictures have less of the higher frequencies, about by their distance: so all are heard alike.
  const weights = Float64Array.from(used, (place) => Math.hypot(place % HIGHEST, Math.floor(place / HIGHEST)))
  const totals = new Float64Array(CODED_BITS)
  for (const [index, weight] of weights.entries())
    totals[index % CODED_BITS] = (totals[index % CODED_BITS] as number) + weight
  return {
    spread: (frequencies, gains) => {
      for (let index = 0; index < used.length; index++) {
        const place = used[index] as number
        const gain = gains[index % CODED_BITS] as number
        frequencies[place] = (frequencies[place] as number) + gain * (signs[index] as number)
      }
    },
    read: (frequencies) => {
      const sums = new Float64Array(CODED_BITS)
      for (let index = 0; index < used.length; index++) {
        const bit = index % CODED_BITS
        const value = frequencies[used[index] as number] as number
        sums[bit] = (sums[bit] as number) + value * (signs[index] as number) * (weights[index] as number)
      }
      return sums.map((sum, bit) => sum / (totals[bit] as number))
    },
  }
}

/** The same frequencies of the picture mirrored, turned by quarters, or both: eight, the picture itself first. */
export const orientationsOf = function* (frequencies: Float64Array): Generator<Float64Array> {
  for (let way = 0; way < 8; way++) {
    const [isTurned, flipsX, flipsY] = [(way & 4) !== 0, (way & 1) !== 0, (way & 2) !== 0]
    const turned = new Float64Array(frequencies.length)
    for (let v = 0; v < HIGHEST; v++)
      for (let u = 0; u < HIGHEST; u++) {
        const value = frequencies[isTurned ? u * HIGHEST + v : v * HIGHEST + u] as number
        turned[v * HIGHEST + u] = (flipsX && u % 2 === 1) !== (flipsY && v % 2 === 1) ? -value : value
      }
    yield turned
  }
}
