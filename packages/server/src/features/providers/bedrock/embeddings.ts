import { ProviderFault } from '../provider.ts'
import { isObject, listOf, membersOf } from '../translation/parts.ts'
import { keepStrict, readVectorsAsked, type VectorsAsked, vectorsBody } from '../translation/vectors.ts'

/** What a model answered to one of the calls. */
interface Vectors {
  readonly vectors: readonly unknown[]
  /** null where it does not count. */
  readonly tokens: number | null
}

/** How a family of models is asked, by `InvokeModel`. */
interface Family {
  readonly names: RegExp
  /** Members of its own that a request may have. */
  readonly own: readonly string[]
  /** Most texts in one call. */
  readonly batch: number
  readonly hasDimensions: boolean
  readonly ask: (asked: VectorsAsked, texts: readonly string[]) => object
  readonly read: (answer: Readonly<Record<string, unknown>>) => Vectors
}

const readTitan: Family['read'] = ({ embedding, inputTextTokenCount: tokens }) => ({
  vectors: [embedding],
  tokens: typeof tokens === 'number' ? tokens : null,
})

const families: readonly Family[] = [
  // docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
  {
    names: /(^|[./])amazon\.titan-embed-text-v2/,
    own: ['normalize'],
    batch: 1,
    hasDimensions: true,
    ask: ({ dimensions, body: { normalize } }, [inputText]) => ({
      inputText,
      ...(dimensions !== null && { dimensions }),
      ...(typeof normalize === 'boolean' && { normalize }),
    }),
    read: readTitan,
  },
  {
    names: /(^|[./])amazon\.titan-embed-(g1-)?text-/,
    own: [],
    batch: 1,
    hasDimensions: false,
    ask: (_asked, [inputText]) => ({ inputText }),
    read: readTitan,
  },
  // docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
  {
    names: /(^|[./])cohere\.embed-/,
    own: ['input_type', 'truncate'],
    batch: 96,
    hasDimensions: false,
    ask: ({ body: { input_type: type, truncate } }, texts) => ({
      texts,
      input_type: type ?? 'search_document',
      ...(truncate !== undefined && { truncate }),
    }),
    read: ({ embeddings }) => ({
      vectors: isObject(embeddings) ? listOf(embeddings['float']) : listOf(embeddings),
      tokens: null,
    }),
  },
]

/** Whether a model makes vectors that can be asked for here. */
export const makesVectors = (model: string): boolean => families.some(({ names }) => names.test(model))

/** An embeddings request in the words of the model: one body for each call. */
export interface TranslatedVectors {
  readonly bodies: readonly Buffer[]
  readonly warning: string | null
  /** The answers, in the order of the calls, in OpenAI's shape. @throws ProviderFault `upstream_malformed`. */
  readonly join: (answers: readonly Buffer[]) => { readonly body: Buffer; readonly tokens: number | null }
}

/**
 * An OpenAI embeddings request as calls of `InvokeModel`, as many as the model needs.
 * @throws ProviderFault `operation_not_supported` for a model that makes none; `unsupported_parameter` for tokens, or with `strict` for what
 *   would be left out.
 */
export const translateVectors = (bytes: Buffer, model: string): TranslatedVectors => {
  const family = families.find(({ names }) => names.test(model))
  if (family === undefined)
    throw new ProviderFault('operation_not_supported', {
      upstreamStatus: 0,
      retry: 'elsewhere',
      detail: 'Headgate asks Titan and Cohere models of Bedrock for embeddings.',
    })
  const asked = readVectorsAsked(bytes, family.own)
  if (asked.dimensions !== null && !family.hasDimensions) asked.losses.note('dimensions', 'This model has one size.')
  keepStrict(asked)
  const bodies: Buffer[] = []
  for (let at = 0; at < asked.texts.length; at += family.batch)
    bodies.push(Buffer.from(JSON.stringify(family.ask(asked, asked.texts.slice(at, at + family.batch)))))
  return {
    bodies,
    warning: asked.losses.warning,
    join: (answers) => {
      const read = answers.map((answer) => family.read(membersOf(JSON.parse(answer.toString('utf8')))))
      const vectors = read.flatMap((one) => one.vectors)
      if (vectors.length !== asked.texts.length)
        throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
      const isCounted = read.every(({ tokens }) => tokens !== null)
      const tokens = isCounted ? read.reduce((sum, one) => sum + (one.tokens ?? 0), 0) : null
      return { body: vectorsBody(vectors, model, asked.isBase64, tokens), tokens }
    },
  }
}
