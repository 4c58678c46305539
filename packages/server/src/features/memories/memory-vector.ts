/** A vector of length one, in eight bits for each number: a tenth of the room that JSON takes, a quarter of that of floats. */
export interface PackedVector {
  /** What each number is to be multiplied by. */
  readonly scale: number
  readonly bytes: Buffer
}

const MOST = 127

/** The same direction, of length one; null for a vector that has none. */
export const unit = (vector: ArrayLike<number>): Float32Array | null => {
  let sum = 0
  for (let index = 0; index < vector.length; index++) sum += (vector[index] as number) ** 2
  if (!(sum > 0) || !Number.isFinite(sum)) return null
  const length = Math.sqrt(sum)
  return Float32Array.from(vector, (value) => value / length)
}

/** Packs a vector of length one; an angle changes by less than half a degree. */
export const pack = (vector: Float32Array): PackedVector => {
  let highest = 0
  for (const value of vector) highest = Math.max(highest, Math.abs(value))
  const scale = highest / MOST || 1
  const bytes = Buffer.alloc(vector.length)
  for (let index = 0; index < vector.length; index++)
    bytes.writeInt8(Math.round((vector[index] as number) / scale), index)
  return { scale, bytes }
}

/** The cosine between a vector of length one and a packed one; null where they are not of one size. */
export const cosine = (query: Float32Array, { scale, bytes }: PackedVector): number | null => {
  if (query.length !== bytes.length) return null
  const numbers = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  let sum = 0
  for (let index = 0; index < numbers.length; index++) sum += (query[index] as number) * (numbers[index] as number)
  return sum * scale
}
