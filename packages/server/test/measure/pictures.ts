/** Pictures that are drawn by a seed: the same ones each time. */
export const kinds = ['gradient', 'texture', 'shapes', 'text'] as const
export type PictureKind = (typeof kinds)[number]

/** Numbers from 0 to 1 by a seed: mulberry32. */
export const createRandom = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}
type Random = ReturnType<typeof createRandom>
/** Colour of a pixel, by its place as shares of the picture. */
type Paint = (x: number, y: number) => readonly [number, number, number]

const colour = (random: Random): [number, number, number] => [random() * 255, random() * 255, random() * 255]

const gradient = (random: Random): Paint => {
  const [from, to, turn] = [colour(random), colour(random), random() * Math.PI]
  return (x, y) => {
    const share = Math.min(1, Math.max(0, 0.5 + (x - 0.5) * Math.cos(turn) + (y - 0.5) * Math.sin(turn)))
    return [0, 1, 2].map((at) => (from[at] as number) * (1 - share) + (to[at] as number) * share) as [
      number,
      number,
      number,
    ]
  }
}

/** Noise of six octaves, of which each has half the height of the one before it: as much of each frequency as photographs have. */
const texture = (random: Random): Paint => {
  const side = 64
  const lattice = Float64Array.from({ length: side * side }, random)
  const at = (x: number, y: number): number => lattice[(y & (side - 1)) * side + (x & (side - 1))] as number
  const smooth = (x: number, y: number): number => {
    const [left, top] = [Math.floor(x), Math.floor(y)]
    const [u, v] = [x - left, y - top].map((t) => t * t * (3 - 2 * t)) as [number, number]
    const above = at(left, top) * (1 - u) + at(left + 1, top) * u
    const below = at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u
    return above * (1 - v) + below * v
  }
  const tint = colour(random)
  return (x, y) => {
    let value = 0
    for (let octave = 0; octave < 6; octave++)
      value += (smooth(x * 4 * 2 ** octave + octave * 17, y * 4 * 2 ** octave) - 0.5) / 2 ** octave
    return tint.map((part) => 0.5 * part + 64 + value * 160) as [number, number, number]
  }
}

const shapes = (random: Random): Paint => {
  const ground = colour(random)
  const discs = Array.from({ length: 24 }, () => ({
    ...{ x: random(), y: random(), size: 0.02 + random() * 0.2, isRound: random() < 0.5, paint: colour(random) },
  }))
  return (x, y) =>
    discs.findLast((one) =>
      one.isRound
        ? Math.hypot(x - one.x, y - one.y) < one.size
        : Math.abs(x - one.x) < one.size && Math.abs(y - one.y) < one.size / 2,
    )?.paint ?? ground
}

/** Signs of five by seven points, in lines: from a title to a page full of small print, black on white or in two colours. */
const text = (random: Random): Paint => {
  const columns = [8, 16, 32, 56][Math.floor(random() * 4)] as number
  const lines = columns / 2
  const isPlain = random() < 0.5
  const [ink, paper] = isPlain ? [[16, 16, 16] as const, [255, 255, 255] as const] : [colour(random), colour(random)]
  const signs = Uint8Array.from({ length: columns * lines * 35 }, () => (random() < 0.45 ? 1 : 0))
  const blanks = Uint8Array.from({ length: columns * lines }, () => (random() < 0.2 ? 1 : 0))
  return (x, y) => {
    const [across, down] = [x * columns, y * lines]
    const sign = Math.floor(down) * columns + Math.floor(across)
    const [column, row] = [Math.floor((across % 1) * 6), Math.floor((down % 1) * 10)]
    const isInk = column < 5 && row < 7 && blanks[sign] === 0 && signs[sign * 35 + row * 5 + column] === 1
    return isInk ? ink : paper
  }
}

const painters: Readonly<Record<PictureKind, (random: Random) => Paint>> = { gradient, texture, shapes, text }

/** Pixels of a picture, three bytes each. */
export const drawPicture = (kind: PictureKind, seed: number, width: number, height: number): Buffer => {
  const paint = painters[kind](createRandom(seed))
  const pixels = new Uint8ClampedArray(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) pixels.set(paint(x / width, y / height), (y * width + x) * 3)
  return Buffer.from(pixels.buffer)
}
