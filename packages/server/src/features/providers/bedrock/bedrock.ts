import { type AwsCredentials, signedHeaders } from '../../../kernel/aws-signature.ts'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import { type Expectation, expectationOf, wholeAnswer } from '../openai/expectation.ts'
import { parseObject } from '../openai/json-body.ts'
import { type OpenAIOptions, OpenAIServer } from '../openai/openai.ts'
import { type ListedModel, type Provider, type ProviderAnswer, type ProviderCall, ProviderFault } from '../provider.ts'
import { isObject, listOf, membersOf } from '../translation/parts.ts'
import { TranslatedStream } from '../translation/translated-stream.ts'
import { createTranslator } from '../translation/translator.ts'
import { readUsage } from '../../../domain/usage-report.ts'
import { translateAnswer } from './answer.ts'
import { makesVectors, translateVectors } from './embeddings.ts'
import { createFramedReader } from './event-stream.ts'
import { ConverseTranslator } from './events.ts'
import { bedrockFault, eventStreamFraming } from './faults.ts'

/** Calls for the vectors of one request that are under way at once. */
const AT_ONCE = 8
/** Its usage is read with the vectors. */
const vectorsAnswer: Expectation = {
  ...wholeAnswer,
  read: (body, status) => {
    parseObject(body, status)
    return { usage: null }
  },
}

/** Where no host names the region. */
const usualRegion = 'us-east-1'

/** What proves who asks: a key of Bedrock's own, or what requests are signed with. */
type Proof = { readonly bearer: string } | { readonly credentials: AwsCredentials } | null

/** Reads `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`, none of which has a colon; any other text is a key of Bedrock's own. */
const proofOf = (key: string | undefined): Proof => {
  if (key === undefined) return null
  const [accessKeyId = '', secretAccessKey, sessionToken] = key.split(':')
  if (secretAccessKey === undefined) return { bearer: key }
  return { credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) } }
}

/** Entries of `ListFoundationModels` that can be talked to, and of `ListInferenceProfiles` (docs.aws.amazon.com/bedrock/latest/APIReference). */
const readModels = (models: unknown, profiles: unknown): ListedModel[] => {
  const { modelSummaries } = membersOf(models)
  if (!Array.isArray(modelSummaries))
    throw new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })
  const summaries = modelSummaries.filter(isObject)
  const writing = (modality: string) =>
    summaries
      .filter(({ outputModalities: written }) => listOf(written).includes(modality))
      .map(({ modelId }) => modelId)
  const ids = [
    ...writing('TEXT'),
    ...listOf(membersOf(profiles)['inferenceProfileSummaries'])
      .filter(isObject)
      .map(({ inferenceProfileId }) => inferenceProfileId),
  ]
  const named = (all: readonly unknown[], operation: 'chat' | 'embeddings'): ListedModel[] =>
    all.flatMap((id) =>
      typeof id === 'string' && id !== '' && id.length <= 256
        ? [{ id, operations: [operation], contextTokens: null, created: null }]
        : [],
    )
  const vectors = writing('EMBEDDING').filter((id) => typeof id === 'string' && makesVectors(id))
  return [...named(ids, 'chat'), ...named(vectors, 'embeddings')]
}

/**
 * Amazon Bedrock behind OpenAI's protocol: chat by `Converse` and `ConverseStream`, embeddings by `InvokeModel`. What cannot be translated is told in the answer's
 * `warning`, or refused. Models are listed by the control plane, whose host is `bedrock.` in place of `bedrock-runtime.`.
 */
export const createBedrockProvider = (options: OpenAIOptions): Provider => {
  const { clock, secrets } = options
  const proof = proofOf(options.apiKey)
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  const region = /bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\./.exec(baseUrl)?.[1] ?? usualRegion
  const apiKey = proof !== null && 'bearer' in proof ? proof.bearer : undefined
  const hidden = proof !== null && 'credentials' in proof ? Object.values(proof.credentials) : []
  const setting = { ...options, apiKey, secrets: [...secrets, ...hidden], faultOf: bedrockFault }
  const runtime = new OpenAIServer({ ...setting, baseUrl })
  const controlUrl = baseUrl.replace('bedrock-runtime', 'bedrock')
  const control = controlUrl === baseUrl ? runtime : new OpenAIServer({ ...setting, baseUrl: controlUrl })
  const servers = new Set([runtime, control])
  const translator = createTranslator('bedrock')

  /** The headers that sign a request, name and value in turn; none where a bearer key speaks for itself. */
  const sign = (method: 'GET' | 'POST', url: string, body: Buffer | string): readonly string[] => {
    if (proof === null || !('credentials' in proof)) return []
    return Object.entries(
      signedHeaders({ method, url, headers: {}, body }, proof.credentials, region, 'bedrock', clock.now()),
    ).flat()
  }

  const list = (path: string, signal: CancelSignal): Promise<unknown> =>
    control.get(path, signal, { requestId: 'models', trace: sign('GET', controlUrl + path, '') })

  const chat = async ({ model, request, requestId, trace, signal }: ProviderCall): Promise<ProviderAnswer> => {
    const translated = translator.translate(request, model, null)
    const { body, warning } = translated instanceof Promise ? await translated : translated
    const path = `/model/${encodeURIComponent(model)}/${request.stream ? 'converse-stream' : 'converse'}`
    const expected = { ...expectationOf(request), framing: eventStreamFraming }
    const told = { requestId, trace: [...trace, ...sign('POST', baseUrl + path, body)] }
    const answer = await runtime.send('POST', path, body, expected, told, signal)
    const created = Math.floor(clock.now() / 1000)
    const id = `chatcmpl-${requestId}`
    const warned = warning === null ? {} : { warning }
    if (answer.kind === 'json') return { ...answer, ...warned, ...translateAnswer(answer.body, model, id, created) }
    const events = new ConverseTranslator(model, id, created, setting.secrets)
    return { ...answer, ...warned, source: new TranslatedStream(answer.source, createFramedReader(), events) }
  }

  const embed = async ({ model, request, requestId, trace, signal }: ProviderCall): Promise<ProviderAnswer> => {
    const { bodies, warning, join } = translateVectors(request.body, model)
    const path = `/model/${encodeURIComponent(model)}/invoke`
    const invoke = async (body: Buffer): Promise<Buffer> => {
      const told = { requestId, trace: [...trace, ...sign('POST', baseUrl + path, body)] }
      const answer = await runtime.send('POST', path, body, vectorsAnswer, told, signal)
      return (answer as ProviderAnswer & { kind: 'json' }).body
    }
    const answers: Buffer[] = []
    for (let at = 0; at < bodies.length; at += AT_ONCE)
      answers.push(...(await Promise.all(bodies.slice(at, at + AT_ONCE).map(invoke))))
    const { body, tokens } = join(answers)
    const usage = tokens === null ? null : readUsage({ prompt_tokens: tokens, total_tokens: tokens })
    return { kind: 'json', status: 200, body, usage, ...(warning !== null && { warning }) }
  }

  return {
    name: options.name,
    kind: 'bedrock',
    call: async (call) => {
      if (call.request.operation === 'chat') return chat(call)
      if (call.request.operation === 'embeddings') return embed(call)
      throw new ProviderFault('operation_not_supported', {
        upstreamStatus: 0,
        retry: 'elsewhere',
        detail: `Headgate does not ask Bedrock for ${call.request.operation}.`,
      })
    },
    listModels: async (signal) => {
      // Who may call models need not be allowed to list profiles.
      const profiles = list('/inference-profiles', signal).catch(() => null)
      return readModels(await list('/foundation-models', signal), await profiles)
    },
    relieve: translator.rest,
    retire: async () => {
      await Promise.all([...servers].map((server) => server.retire()))
      await translator.stop()
    },
    close: async () => {
      await Promise.all([...[...servers].map((server) => server.close()), translator.stop()])
    },
  }
}
