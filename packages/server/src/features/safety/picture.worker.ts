import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parentPort } from 'node:worker_threads'
import type { Sharp, SharpOptions } from 'sharp'
import { type PictureAnswer, pictureClasses, type PictureOrder, type PictureScores } from './picture-bench.ts'

/** As much of the packages as is used; they need not be installed. */
interface Tensor {
  data(): Promise<Float32Array>
  dispose(): void
}
interface Core {
  setBackend(name: string): Promise<boolean>
  ready(): Promise<void>
  env(): { set(flag: string, value: boolean): void }
  tensor4d(values: Float32Array, shape: readonly number[]): Tensor
  tidy(work: () => Tensor): Tensor
}
interface Model {
  predict(input: Tensor): Tensor
}
interface Layers {
  loadLayersModel(source: { load(): Promise<object> }): Promise<Model>
}
interface Wasm {
  setWasmPaths(folder: string): void
}
interface Definition {
  readonly modelJson: () => Promise<{
    default: { modelTopology: object; weightsManifest: readonly { weights: readonly object[] }[] }
  }>
  readonly weightBundles: readonly (() => Promise<{ default: string }>)[]
}

/** What the model takes (github.com/infinitered/nsfwjs, `core.ts`: 224 by 224, values from 0 to 1). */
const side = 224
const channels = 3
/** Of what moves: frames that are looked at, evenly spaced. */
const mostFrames = 4
const mostPixels = 50_000_000
const readers = ['Png', 'Jpeg', 'Webp', 'Gif', 'Nsgif', 'Heif', 'Tiff'].map((name) => `VipsForeignLoad${name}`)

const port = parentPort
if (port === null) throw new Error('This is a worker')

const load = async () => {
  const [core, layers, wasm, definitions, { default: sharp }] = await Promise.all([
    import('@tensorflow/tfjs-core') as Promise<unknown> as Promise<Core>,
    import('@tensorflow/tfjs-layers') as Promise<unknown> as Promise<Layers>,
    import('@tensorflow/tfjs-backend-wasm') as Promise<unknown> as Promise<Wasm>,
    import('nsfwjs/models/mobilenet_v2') as Promise<unknown> as Promise<{ MobileNetV2Model: Definition }>,
    import('sharp'),
  ])
  sharp.cache(false)
  sharp.concurrency(1)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: readers })
  const folder = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/package.json')))
  wasm.setWasmPaths(`${folder}/dist/`)
  // Its own threads would be workers of this worker.
  core.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  await core.setBackend('wasm')
  await core.ready()
  const { modelJson, weightBundles } = definitions.MobileNetV2Model
  const { modelTopology, weightsManifest } = (await modelJson()).default
  const parts: Buffer[] = []
  for (const bundle of weightBundles) parts.push(Buffer.from((await bundle()).default, 'base64'))
  const weightData = new Uint8Array(Buffer.concat(parts)).buffer
  const weightSpecs = weightsManifest.flatMap(({ weights }) => weights)
  const model = await layers.loadLayersModel({ load: async () => ({ modelTopology, weightSpecs, weightData }) })
  return { core, model, sharp: sharp as (bytes: Uint8Array, options: SharpOptions) => Sharp }
}
let loaded: ReturnType<typeof load> | null = null

const scoresOf = (values: Float32Array): PictureScores =>
  Object.fromEntries(pictureClasses.map((name, index) => [name, values[index] ?? 0])) as PictureScores

/** Frames of what moves, evenly spaced, the first among them. */
const framesOf = (pages: number): readonly number[] => {
  const count = Math.min(pages, mostFrames)
  return Array.from({ length: count }, (_, index) => Math.floor((index * pages) / count))
}

/** The least harmless of the frames. */
const worst = (all: readonly PictureScores[]): PictureScores =>
  all.reduce((one, other) => (other.neutral + other.drawing < one.neutral + one.drawing ? other : one))

const look = async ({ bytes }: PictureOrder): Promise<PictureScores> => {
  const { core, model, sharp } = await (loaded ??= load())
  const bounded = { limitInputPixels: mostPixels, failOn: 'error', sequentialRead: true } as const
  const { pages = 1 } = await sharp(bytes, bounded).metadata()
  const all: PictureScores[] = []
  for (const page of framesOf(pages)) {
    const pixels = await sharp(bytes, { ...bounded, page })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .resize(side, side, { fit: 'fill' })
      .removeAlpha()
      .raw()
      .toBuffer()
    if (pixels.length !== side * side * channels) throw new Error('The picture has other colours than are known')
    const values = Float32Array.from(pixels, (value) => value / 255)
    const result = core.tidy(() => model.predict(core.tensor4d(values, [1, side, side, channels])))
    all.push(scoresOf(await result.data()))
    result.dispose()
  }
  return worst(all)
}

port.on('message', (order: PictureOrder) => {
  look(order).then(
    (scores) => port.postMessage({ scores } satisfies PictureAnswer),
    (fault: unknown) => port.postMessage({ reason: String(fault) } satisfies PictureAnswer),
  )
})
