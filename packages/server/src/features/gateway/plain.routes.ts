import { ChatEventSchema } from '@headgate/contract/chat.ts'
import { header } from '@headgate/contract/headers.ts'
import {
  PictureSchema,
  type PlainImageQuery,
  PlainImageQuerySchema,
  PlainPathSchema,
  type PlainTextQuery,
  PlainTextQuerySchema,
} from '@headgate/contract/plain.ts'
import { Type } from 'typebox'
import { AppError } from '../../kernel/errors.ts'
import { type CallerInput, defineRoute, type Reply, type Route } from '../../kernel/route.ts'
import type { CallAnswer } from './flow.ts'
import { callErrors, callHeaders, type GatewayRoutePorts } from './gateway.routes.ts'
import { startCall } from './handle-call.ts'
import { pictureOf } from './picture-of.ts'
import { located } from './wire-members.ts'

/** Models where a plain address names none; null: one must be named. */
export interface PlainModels {
  readonly image: string | null
  readonly text: string | null
}

const usualPixels = '1024'
const words =
  'For pages that can send no header: a publishable key may stand in `key`, and is taken from a page of its origins only (`Origin`, else ' +
  '`Referer`; `Sec-Fetch-Site`). That limits abuse and is no security boundary. A call like any other: limits, budgets and ledger apply.'

const modelOf = (named: string | undefined, usual: string | null): string => {
  const model = named ?? usual
  if (model !== null) return model
  throw new AppError('model_missing', located('model', 'Name a model from GET /v1/models, as in ?model=demo.'))
}

const promptOf = ({ params }: CallerInput): string => params['*'] ?? ''
const bodyOf = (value: object): Buffer => Buffer.from(JSON.stringify(value).toWellFormed())
const seedOf = (seed: string | undefined): { seed?: number } => (seed === undefined ? {} : { seed: Number(seed) })
const flagOf = (name: string, flag: string | undefined) => (flag === undefined ? {} : { [name]: flag === 'true' })

const wishOf = (safe: string | undefined) => (safe === 'strict' ? { safe } : flagOf('safe', safe))

const whole = async (input: CallerInput, answer: Promise<CallAnswer>): Promise<Buffer> => {
  const made = (await answer) as CallAnswer & { kind: 'json' }
  if (made.costUsd !== null) input.exchange.headers[header.costUsd] = made.costUsd
  return made.answer.body
}

/** Models whose pictures always come as bytes, and that refuse to be asked for it. */
const alwaysBytes = /gpt-image/i

/** `GET /image/{prompt}` and `GET /text/{prompt}`: the same calls by an address alone. */
export const plainRoutes = (ports: GatewayRoutePorts & { readonly plainModels: PlainModels }): Route[] => {
  const image = async (input: CallerInput): Promise<Reply> => {
    const { width, height, seed, enhance, safe, model: named, store } = input.query as PlainImageQuery
    const model = modelOf(named, ports.plainModels.image)
    const hasSize = width !== undefined || height !== undefined
    const body = bodyOf({
      model,
      prompt: promptOf(input),
      ...(hasSize && { size: `${width ?? usualPixels}x${height ?? usualPixels}` }),
      ...(!alwaysBytes.test(model) && { response_format: 'b64_json' }),
      ...seedOf(seed),
      ...flagOf('enhance', enhance),
      ...wishOf(safe),
    })
    const asked = store === undefined ? input : { ...input, headers: { ...input.headers, [header.store]: store } }
    const { answer } = await startCall(ports, 'images', () => ports.read('images', body), asked)
    const picture = pictureOf(await whole(input, answer))
    if (picture.kind === 'bytes') return picture
    return { kind: 'bytes', status: 302, contentType: 'text/plain', bytes: '', headers: { location: picture.url } }
  }

  const text = async (input: CallerInput): Promise<Reply> => {
    const { system, json, stream, seed, safe, model: named } = input.query as PlainTextQuery
    const isJson = json === 'true'
    const body = bodyOf({
      model: modelOf(named, ports.plainModels.text),
      messages: [
        ...(system === undefined ? [] : [{ role: 'system', content: system }]),
        { role: 'user', content: promptOf(input) },
      ],
      ...(isJson && { response_format: { type: 'json_object' } }),
      ...(stream === 'true' && { stream: true }),
      ...seedOf(seed),
      ...wishOf(safe),
    })
    const { request, answer } = await startCall(ports, 'chat', () => ports.read('chat', body), input)
    if (request.stream)
      return { kind: 'events', stream: answer.then((made) => (made as CallAnswer & { kind: 'events' }).source) }
    const { choices } = JSON.parse((await whole(input, answer)).toString('utf8')) as {
      choices?: readonly { readonly message?: { readonly content?: unknown } }[]
    }
    const content = choices?.[0]?.message?.content
    return {
      kind: 'bytes',
      contentType: isJson ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8',
      bytes: typeof content === 'string' ? content : '',
    }
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/image/*',
      summary: 'Makes a picture of the text in its address.',
      access: 'caller',
      browser: true,
      keyInQuery: true,
      isCostly: true,
      query: PlainImageQuerySchema,
      reference: {
        operationId: 'getImage',
        tag: 'Images',
        description: words,
        params: PlainPathSchema,
        answer: PictureSchema,
        contentType: 'image/*',
        otherAnswers: { 302: { description: 'The provider keeps the picture; `Location` says where.' } },
        answerHeaders: [...callHeaders, header.provenance, header.asset],
        // HEAD would cost as much as GET.
        errors: [...callErrors, 'method_not_allowed', 'provenance_failed', 'secret_key_required'],
      },
      handle: image,
    }),
    defineRoute({
      method: 'GET',
      path: '/text/*',
      summary: 'Answers the text in its address, whole or as an event stream.',
      access: 'caller',
      browser: true,
      keyInQuery: true,
      isCostly: true,
      query: PlainTextQuerySchema,
      reference: {
        operationId: 'getText',
        tag: 'Chat',
        description: `${words} With \`json=true\` the answer is JSON.`,
        params: PlainPathSchema,
        answer: Type.String(),
        contentType: 'text/plain',
        events: ChatEventSchema,
        answerHeaders: callHeaders,
        // HEAD would cost as much as GET.
        errors: [...callErrors, 'method_not_allowed'],
      },
      handle: text,
    }),
  ]
}
