import { type Dialect, anthropicDialect, bedrockDialect, elevenLabsDialect, googleDialect } from './dialect.ts'
import type { Exchange } from './exchange.ts'
import { refuse } from './plain-writer.ts'

const openaiModels = [
  'gpt-4o',
  'gpt-4o-mini',
  'gpt-4.1',
  'gpt-4.1-mini',
  'o4-mini',
  'text-embedding-3-small',
  'text-embedding-3-large',
  'gpt-image-1',
  'dall-e-3',
  'tts-1',
  'whisper-1',
  'gpt-4o-transcribe',
  'omni-moderation-latest',
]

const openaiEntry = (id: string) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'scripted-upstream' })

const supported = (isSupported: boolean) => ({ supported: isSupported })

/** In the shape of Anthropic's SDK type `ModelInfo`, as far as a gateway reads it. */
const anthropicEntry = (id: string, isCurrent: boolean, lifecycle = 'active') => ({
  id,
  type: 'model',
  display_name: id,
  created_at: '2026-01-02T03:04:05Z',
  lifecycle,
  max_input_tokens: isCurrent ? 1_000_000 : 200_000,
  max_tokens: 64_000,
  capabilities: {
    effort: {
      supported: isCurrent,
      low: supported(isCurrent),
      medium: supported(isCurrent),
      high: supported(isCurrent),
      max: supported(isCurrent),
      xhigh: null,
    },
    thinking: {
      supported: true,
      types: {
        adaptive: supported(isCurrent),
        between_tools: supported(false),
        disabled: supported(true),
        enabled: supported(!isCurrent),
      },
    },
  },
})

const anthropicModels = [
  anthropicEntry('claude-opus-5-5', true),
  anthropicEntry('claude-sonnet-5', true),
  anthropicEntry('claude-haiku-4-5', false),
  anthropicEntry('claude-3-opus-20240229', false, 'retired'),
]

/** In the shape of ElevenLabs' and Gemini's `Model` and of Bedrock's summaries, as far as a gateway reads them. */
const cloudLists: ReadonlyMap<Dialect, object> = new Map<Dialect, object>([
  [
    elevenLabsDialect,
    [
      { model_id: 'eleven_flash_v2_5', name: 'Eleven Flash v2.5', can_do_text_to_speech: true },
      { model_id: 'eleven_english_sts_v2', name: 'Eleven English v2', can_do_text_to_speech: false },
    ],
  ],
  [
    googleDialect,
    {
      models: [
        ...['gemini-3-flash', 'gemini-2.5-flash'].map((id) => ({
          name: `models/${id}`,
          inputTokenLimit: 1_048_576,
          outputTokenLimit: 65_536,
          supportedGenerationMethods: ['generateContent', 'countTokens'],
        })),
        {
          name: 'models/gemini-2.5-flash-image',
          inputTokenLimit: 32_768,
          supportedGenerationMethods: ['generateContent', 'countTokens'],
        },
        { name: 'models/gemini-embedding-001', inputTokenLimit: 2_048, supportedGenerationMethods: ['embedContent'] },
        { name: 'models/aqa', supportedGenerationMethods: ['generateAnswer'] },
      ],
    },
  ],
  [
    bedrockDialect,
    {
      modelSummaries: [
        { modelId: 'amazon.nova-pro-v1:0', outputModalities: ['TEXT'] },
        { modelId: 'openai.gpt-oss-120b-1:0', outputModalities: ['TEXT'] },
        { modelId: 'amazon.titan-embed-text-v2:0', outputModalities: ['EMBEDDING'] },
      ],
      inferenceProfileSummaries: [{ inferenceProfileId: 'eu.anthropic.claude-sonnet-5-v1:0' }],
    },
  ],
])

/** Answers the lists of the clouds. */
export const answerCloudModels = (exchange: Exchange, dialect: Dialect): void => {
  const { row, response } = exchange
  row.status = 200
  row.terminal_sent = true
  exchange.end('complete')
  const bytes = Buffer.from(JSON.stringify(cloudLists.get(dialect) ?? {}))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.end(bytes)
}

const listOf = (dialect: Dialect): readonly { id: string }[] =>
  dialect === anthropicDialect ? anthropicModels : openaiModels.map(openaiEntry)

const pageOf = (dialect: Dialect): object => {
  const data = listOf(dialect)
  if (dialect !== anthropicDialect) return { object: 'list', data }
  return { data, has_more: false, first_id: data[0]?.id, last_id: data.at(-1)?.id }
}

/** Answers `GET /v1/models` and `GET /v1/models/{id}`. */
export const answerModels = (exchange: Exchange, path: string, dialect: Dialect): void => {
  const { row, response } = exchange
  const id = decodeURIComponent(path.slice('/v1/models/'.length))
  const entry = listOf(dialect).find((model) => model.id === id)
  if (id !== '' && entry === undefined) {
    const [type] = dialect.nameOf(404)
    return refuse(exchange, 404, dialect.error(`The model '${id}' does not exist.`, type, 'model_not_found'))
  }
  row.status = 200
  row.terminal_sent = true
  exchange.end('complete')
  const bytes = Buffer.from(JSON.stringify(entry ?? pageOf(dialect)))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.end(bytes)
}
