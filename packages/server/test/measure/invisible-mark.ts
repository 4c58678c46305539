// How much the mark in the pixels of pictures bears: `node packages/server/test/measure/invisible-mark.ts [unmarked]` marks pictures drawn by
// fixed seeds, does to each what happens to pictures, and prints, as the table of docs/guides/provenance.md, how many are found and how many of
// their bits are read wrong before they are corrected; then how often one is found where there is none, and what marking costs.
import { createHash } from 'node:crypto'
import sharp, { type Sharp } from 'sharp'
import { createCarrier, frequenciesOf } from '../../src/features/provenance/mark-carrier.ts'
import { CODED_BITS, encodeMark } from '../../src/features/provenance/mark-code.ts'
import { gridOf, searchMark, withMark } from '../../src/features/provenance/mark-picture.ts'
import { createRandom, drawPicture, kinds } from './pictures.ts'

const EACH = 8
const UNMARKED = Number(process.argv[2] ?? 1_000)
const sizes = [
  [1024, 1024],
  [1024, 768],
  [768, 1024],
  [512, 512],
] as const

const key = createHash('sha256').update('headgate/measured-mark').digest()
const carrier = createCarrier(key)

type Size = { readonly width: number; readonly height: number }
const share = ({ width, height }: Size, part: number) => ({
  width: Math.round(width * part),
  height: Math.round(height * part),
})
/** The middle of it. */
const cropped = (picture: Sharp, size: Size, part: number): Sharp => {
  const { width, height } = share(size, 1 - part)
  return picture.extract({
    ...{ left: Math.round((size.width - width) / 2), top: Math.round((size.height - height) / 2), width, height },
  })
}
const attacks: Readonly<Record<string, (picture: Sharp, size: Size) => Sharp>> = {
  'PNG, saved anew': (picture) => picture.png(),
  'JPEG, quality 90': (picture) => picture.jpeg({ quality: 90 }),
  'JPEG, quality 75': (picture) => picture.jpeg({ quality: 75 }),
  'JPEG, quality 50': (picture) => picture.jpeg({ quality: 50 }),
  'JPEG, quality 20': (picture) => picture.jpeg({ quality: 20 }),
  'WebP, quality 80': (picture) => picture.webp({ quality: 80 }),
  'AVIF, quality 50, then PNG': (picture) => picture.avif({ quality: 50, effort: 2 }),
  '75 % of the size': (picture, size) => picture.resize(share(size, 0.75)).png(),
  '50 % of the size': (picture, size) => picture.resize(share(size, 0.5)).png(),
  '50 % of the size, then JPEG, quality 75': (picture, size) => picture.resize(share(size, 0.5)).jpeg({ quality: 75 }),
  '25 % of the size': (picture, size) => picture.resize(share(size, 0.25)).png(),
  'squeezed to a square of 400': (picture) => picture.resize(400, 400, { fit: 'fill' }).png(),
  '10 % brighter': (picture) => picture.linear(1.1, 0).png(),
  '10 % darker': (picture) => picture.linear(0.9, 0).png(),
  'without colour': (picture) => picture.greyscale().png(),
  'blurred, deviation of 1.5 pixels': (picture) => picture.blur(1.5).png(),
  mirrored: (picture) => picture.flop().png(),
  'turned by 90°': (picture) => picture.rotate(90).png(),
  'cut by 1 %': (picture, size) => cropped(picture, size, 0.01).png(),
  'cut by 3 %': (picture, size) => cropped(picture, size, 0.03).png(),
  'cut by 10 %': (picture, size) => cropped(picture, size, 0.1).png(),
  'turned by 1°': (picture) => picture.rotate(1).png(),
}

const deciBels = async (one: Buffer, marked: Buffer): Promise<number> => {
  const other = await sharp(marked).removeAlpha().raw().toBuffer()
  const squares = one.reduce((sum, value, at) => sum + (value - (other[at] as number)) ** 2, 0)
  return 10 * Math.log10(255 ** 2 / (squares / one.length))
}
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number

const tallies = new Map(Object.keys(attacks).map((name) => [name, { found: 0, wrong: 0 }]))
const likenesses: number[] = []
const [marking, searching]: [number[], number[]] = [[], []]
const random = createRandom(1)
let pictures = 0
const refused: string[] = []
for (const kind of kinds)
  for (let number = 0; number < EACH; number++) {
    const [width, height] = sizes[number % sizes.length] as readonly [number, number]
    const raw = drawPicture(kind, 1_000 + number, width, height)
    const file = await sharp(raw, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer()
    const name = (BigInt(Math.floor(random() * 2 ** 30)) << 30n) | BigInt(Math.floor(random() * 2 ** 30))
    const began = performance.now()
    const marked = await withMark('image/png', file, key, name)
    if (marked === null) {
      refused.push(kind)
      continue
    }
    if (width * height > 1_000_000) marking.push((performance.now() - began) / ((width * height) / 1_000_000))
    likenesses.push(await deciBels(raw, marked))
    const signs = encodeMark(key, name)
    pictures += 1
    for (const [attack, change] of Object.entries(attacks)) {
      const copy = await change(sharp(marked), { width, height }).toBuffer()
      const start = performance.now()
      const found = (await searchMark(copy, key))?.found
      searching.push(performance.now() - start)
      const tally = tallies.get(attack) as { found: number; wrong: number }
      if (found?.name === name) tally.found += 1
      const read = carrier.read(frequenciesOf(await gridOf(sharp(copy))))
      tally.wrong += signs.filter((sign, bit) => sign * (read[bit] as number) <= 0).length / CODED_BITS
    }
  }

const print = (line: string): boolean => process.stdout.write(`${line}\n`)
const percent = (part: number): string => `${(part * 100).toFixed(1)} %`
print('| What was done to it | Found | Bits read wrong |\n| --- | --- | --- |')
for (const [name, { found, wrong }] of tallies)
  print(`| ${name} | ${found} of ${pictures} | ${percent(wrong / pictures)} |`)
print(
  `\nLeft without a mark, as they hold none unseen: ${refused.length} of ${kinds.length * EACH} (${refused.join(', ')})`,
)
print(`Likeness: ${Math.min(...likenesses).toFixed(1)} dB at least, ${median(likenesses).toFixed(1)} dB in the middle`)
print(
  `Marking: ${median(marking).toFixed(0)} ms a megapixel, PNG read and written; searching: ${median(searching).toFixed(0)} ms`,
)

let wrongly = 0
for (let number = 0; number < UNMARKED; number++) {
  const kind = kinds[number % kinds.length] as (typeof kinds)[number]
  const [width, height] = [256 + (number % 7) * 32, 256 + (number % 5) * 32]
  const raw = drawPicture(kind, 100_000 + number, width, height)
  const file = await sharp(raw, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer()
  if ((await searchMark(file, key))?.found) wrongly += 1
}
print(`Found in ${wrongly} of ${UNMARKED} pictures without a mark`)
