import { type Exchange, exchange } from '../kernel/outbound.ts'

/** One thing that a server must do, and how it did it. */
export interface SmokeStep {
  readonly step: 'live' | 'ready' | 'models' | 'call' | 'stream'
  readonly ok: boolean
  readonly ms: number
  /** What came, or what came instead. */
  readonly message: string
}

/** Which server is tried, as whom, and by which model. */
export interface SmokeWish {
  readonly url: string
  readonly key: string
  readonly model: string
  /** Most milliseconds of one step. */
  readonly timeoutMs: number
}

const question = (model: string, stream: boolean) => ({
  model,
  stream,
  max_tokens: 64,
  messages: [{ role: 'user', content: 'Say hello in one sentence.' }],
})

const refusal = ({ status, text, headers }: Exchange): string => {
  const code = /"code":\s*"(\w+)"/.exec(text)?.[1]
  const id = headers['x-request-id']?.toString()
  return `answered ${status}${code === undefined ? '' : ` ${code}`}${id === undefined ? '' : ` (request ${id})`}`
}

const member = (value: unknown, name: string | number): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[name] : undefined

/**
 * Tries a running server from outside, as after a deployment: it lives, is ready, lists the model to this key, answers one
 * call and streams one to its end. Goes on to the end, so that all that is wrong is told at once; but without life there is no more.
 */
export const smoke = async ({ url, key, model, timeoutMs }: SmokeWish): Promise<SmokeStep[]> => {
  const base = url.replace(/\/+$/, '')
  const steps: SmokeStep[] = []
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const get = (path: string) => exchange(base + path, { headers }, timeoutMs)
  const chat = (stream: boolean) =>
    exchange(`${base}/v1/chat/completions`, { headers, body: JSON.stringify(question(model, stream)) }, timeoutMs)

  /** `tell` says what came, or throws what is wrong with it. */
  const step = async (name: SmokeStep['step'], ask: () => Promise<Exchange>, tell: (answer: Exchange) => string) => {
    const begun = performance.now()
    const done = (ok: boolean, message: string): void => {
      steps.push({ step: name, ok, ms: Math.round(performance.now() - begun), message })
    }
    try {
      const answer = await ask()
      if (answer.status === 200) done(true, tell(answer))
      else done(false, refusal(answer))
    } catch (cause) {
      done(false, cause instanceof Error ? cause.message || cause.name : String(cause))
    }
  }

  await step(
    'live',
    () => get('/livez'),
    () => 'it lives',
  )
  if (steps[0]?.ok !== true) return steps
  await step(
    'ready',
    () => get('/readyz'),
    () => 'it wants traffic',
  )
  await step(
    'models',
    () => get('/v1/models'),
    ({ text }) => {
      const models = member(JSON.parse(text), 'data')
      const ids = Array.isArray(models) ? models.map((one) => member(one, 'id')) : []
      // A bare name stands for that of its only provider.
      if (!ids.some((id) => id === model || String(id).endsWith(`/${model}`)))
        throw new Error(`${model} is not among the ${ids.length} models of this key`)
      return `${ids.length} models, ${model} among them`
    },
  )
  await step(
    'call',
    () => chat(false),
    ({ text }) => {
      const content = member(member(member(member(JSON.parse(text), 'choices'), 0), 'message'), 'content')
      if (typeof content !== 'string' || content === '') throw new Error('the answer holds no words')
      return `${content.length} characters`
    },
  )
  await step(
    'stream',
    () => chat(true),
    ({ text }) => {
      const parts = text.split('\n').filter((line) => line.startsWith('data: '))
      if (parts.at(-1) !== 'data: [DONE]') throw new Error(`the stream was cut after ${parts.length} parts`)
      if (parts.length < 2) throw new Error('the stream holds no part')
      return `${parts.length - 1} parts`
    },
  )
  return steps
}
