import { type Static, type TSchema, Type } from 'typebox'
import { endpointNames } from './limits.ts'

const orNull = <Schema extends TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description })
const usd = (description: string) => orNull(Type.String(), `USD ${description}; null where no price is known.`)
const modality = Type.Enum(['text', 'image', 'audio', 'video', 'file', 'embedding'])

const ModelPriceSchema = Type.Object({
  currency: Type.Literal('USD'),
  input_per_million: usd('per million input tokens'),
  cached_input_per_million: usd('per million input tokens read from the cache of the provider'),
  output_per_million: usd('per million output tokens'),
  per_request: usd('per call'),
  per_image: usd('per image of no special size or quality'),
  per_audio_hour: usd('per hour of audio'),
  per_million_characters: usd('per million characters spoken'),
  source: Type.Enum(['configuration', 'library', 'local'], { description: 'Who says so.' }),
  version: Type.String({ description: 'Version of the source.' }),
})

const ModelSpeedSchema = Type.Object({
  from: Type.String({ format: 'date-time', description: 'Answers since then count.' }),
  last_at: Type.String({ format: 'date-time', description: 'When the last of them came.' }),
  answers: Type.Integer({ description: 'Answers of text that went well, of this house.' }),
  first_token_ms: orNull(
    Type.Object({ p50: Type.Number(), p95: Type.Number() }),
    'Milliseconds to the first part of streams; null where none was streamed.',
  ),
  output_tokens_per_second: orNull(
    Type.Number(),
    'Tokens of the answers by the seconds that they took, waiting included; null where none were counted.',
  ),
})

const factMembers = {
  provider: Type.String({ description: 'Name of the provider in the configuration.' }),
  model: Type.String({ description: 'The model as its provider names it.' }),
  operations: Type.Array(Type.Enum([...endpointNames]), { description: 'What it can be asked to do.' }),
  modalities: Type.Object(
    {
      input: orNull(Type.Array(modality), 'What it takes; null when unknown.'),
      output: orNull(Type.Array(modality), 'What it gives; null when unknown.'),
    },
    { description: 'Kinds of content.' },
  ),
  context_tokens: orNull(Type.Integer(), 'Most tokens of prompt and answer together; null when unknown.'),
  max_output_tokens: orNull(Type.Integer(), 'Most tokens of one answer; null when unknown.'),
  tools: orNull(Type.Boolean(), 'Whether it calls tools; null when unknown.'),
  structured_output: orNull(Type.Boolean(), 'Whether it keeps to a JSON schema; null when unknown.'),
  licence: orNull(
    Type.String(),
    'Licence of the model; `proprietary` where its weights are not published; null when unknown.',
  ),
  attribution: orNull(Type.String(), 'What is to be shown beside its answers; null where nothing is asked for.'),
  price: orNull(ModelPriceSchema, 'What it costs now; null where no price is known.'),
  measured: orNull(ModelSpeedSchema, 'How fast it answered this house in the last seven days; null: not measured.'),
}

/** What Headgate adds to an entry of OpenAI's model list. */
const ModelFacts = Type.Object(factMembers, { title: 'ModelFacts' })

const exampleFacts = {
  provider: 'openai',
  model: 'gpt-4o-mini',
  operations: ['chat'],
  modalities: { input: ['text', 'image', 'file'], output: ['text'] },
  context_tokens: 128000,
  max_output_tokens: 16384,
  tools: true,
  structured_output: true,
  licence: 'proprietary',
  attribution: null,
  price: {
    currency: 'USD',
    input_per_million: '0.15',
    cached_input_per_million: '0.075',
    output_per_million: '0.6',
    per_request: '0',
    per_image: null,
    per_audio_hour: null,
    per_million_characters: null,
    source: 'library',
    version: 'genai-prices/0.1.8',
  },
  measured: {
    from: '2026-07-24T09:00:00.000Z',
    last_at: '2026-07-31T08:00:00.000Z',
    answers: 5120,
    first_token_ms: { p50: 312.4, p95: 870.1 },
    output_tokens_per_second: 61.3,
  },
}

/** One model, in OpenAI's shape. */
export const ModelEntry = Type.Object(
  {
    id: Type.String({ description: 'The name to call it by, `provider/model`.' }),
    object: Type.Literal('model'),
    created: Type.Integer({ description: 'Seconds since the epoch; 0 when the provider does not say.' }),
    owned_by: Type.String(),
    headgate: ModelFacts,
  },
  {
    title: 'Model',
    examples: [
      {
        id: 'openai/gpt-4o-mini',
        object: 'model',
        created: 1721172741,
        owned_by: 'openai',
        headgate: exampleFacts,
      },
    ],
  },
)

/** Path of one model. */
export const ModelPathSchema = Type.Object({
  model: Type.String({
    description: 'Its name; a slash may stand as it is or as `%2F`.',
    examples: ['openai/gpt-4o-mini'],
  }),
})

/** `GET /v1/models`: everything that the key may call. */
export const ModelList = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(ModelEntry),
    has_more: Type.Literal(false),
    next_cursor: Type.Null(),
  },
  { title: 'ModelList' },
)

/** One model as operators see it: also those that nobody may call, and where its facts were read. */
const MatrixEntry = Type.Object(
  {
    id: Type.String({ description: 'The name to call it by, `provider/model`.' }),
    object: Type.Literal('model'),
    headgate: ModelFacts,
    licence_allowed: Type.Boolean({ description: 'Whether the licences of the house allow it.' }),
    sources: Type.Array(
      Type.Object({
        facts: Type.Array(Type.String(), { description: 'Members of `headgate` that were read there.' }),
        url: Type.String(),
        read: Type.String({ format: 'date', description: 'The day on which they were read.' }),
      }),
      { description: 'Pages behind the facts that nobody configured.' },
    ),
  },
  { title: 'MatrixEntry' },
)

/** Query of `GET /admin/v1/models`. */
export const MatrixQuerySchema = Type.Object(
  {
    format: Type.Optional(
      Type.Enum(['json', 'csv'], { description: '`csv`: the same as a table; what is unknown is an empty cell.' }),
    ),
    limit: Type.Optional(
      Type.String({
        pattern: '^(1000|[1-9]\\d{0,2})$',
        description: 'Models of a page, 1 to 1000; 100 unless told.',
        examples: ['100'],
      }),
    ),
    after: Type.Optional(
      Type.String({ minLength: 1, maxLength: 400, description: '`next_cursor` of the page before.' }),
    ),
  },
  { additionalProperties: false },
)
export type MatrixQuery = Static<typeof MatrixQuerySchema>

/** `GET /admin/v1/models`: one page of all models, by name. */
export const MatrixList = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(MatrixEntry),
    has_more: Type.Boolean(),
    next_cursor: Type.Union([Type.String(), Type.Null()]),
  },
  { title: 'MatrixList' },
)

export type MatrixEntry = Static<typeof MatrixEntry>
export type MatrixList = Static<typeof MatrixList>
export type ModelFactsShown = Static<typeof ModelFacts>
export type ModelEntry = Static<typeof ModelEntry>
export type ModelList = Static<typeof ModelList>
