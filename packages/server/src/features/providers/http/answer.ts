import type { CallTemplate } from '../../../domain/call-template.ts'
import { nothingTold } from '../../../domain/media-report.ts'
import type { Expectation } from '../openai/expectation.ts'
import { faultOfErrorObject } from '../openai/faults.ts'
import { type ProviderAnswer, ProviderFault } from '../provider.ts'
import { membersOf } from '../translation/parts.ts'
import { follow } from './pointer.ts'
import { PreparedStream } from './prepared-stream.ts'

type Place = CallTemplate['answer']
type Whole = Extract<ProviderAnswer, { kind: 'json' }>

const malformed = (): ProviderFault =>
  new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })

const isOfType = (said: string, wanted: string): boolean => {
  const [type = ''] = said.toLowerCase().split(';')
  const range = wanted.toLowerCase()
  return range.endsWith('/*') ? type.trim().startsWith(range.slice(0, -1)) : type.trim() === range
}

/** Whether the body itself is the answer. */
export const isRaw = ({ text, base64, url }: Place): boolean => (text ?? base64 ?? url) === undefined

/** The texts that a pointer leads to, one or a list. @throws ProviderFault `upstream_malformed`, or the fault that stands in their place. */
const textsAt = (body: Buffer, pointer: string, secrets: readonly string[]): string[] => {
  let document: unknown
  try {
    document = JSON.parse(body.toString('utf8'))
  } catch {
    throw malformed()
  }
  const found = follow(document, pointer)
  const texts: readonly unknown[] = Array.isArray(found) ? found : [found]
  if (texts.length > 0 && texts.every((text) => typeof text === 'string' && text !== '')) return texts as string[]
  const { error } = membersOf(document)
  throw error === undefined || error === null ? malformed() : faultOfErrorObject(document, 200, secrets)
}

/** Reads an answer that comes as a whole. */
export const expectWhole = (place: Place, isSlow: boolean): Expectation => ({
  flow: 'whole',
  isSlow,
  firstEventBytes: 0,
  read: (body, _status, secrets, type) => {
    if (!isRaw(place)) textsAt(body, (place.text ?? place.base64 ?? place.url) as string, secrets)
    else if (body.length === 0 || !isOfType(type, place.type ?? '')) throw malformed()
    return { usage: null }
  },
})

const textIn = (place: Place, body: Buffer): string =>
  place.text === undefined ? body.toString('utf8') : textsAt(body, place.text, []).join('')

/** A chat answer in OpenAI’s shape; its tokens are counted here. */
export const chatAnswer = (answer: Whole, place: Place, id: string, created: number, model: string): Whole => {
  const message = { role: 'assistant', content: textIn(place, answer.body) }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  const body = Buffer.from(JSON.stringify({ id, object: 'chat.completion', created, model, choices }))
  return { kind: 'json', status: answer.status, body, usage: null }
}

/** The same as a stream of two events. */
export const chatEvents = (answer: Whole, place: Place, id: string, created: number, model: string): ProviderAnswer => {
  const event = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  const first = event({ role: 'assistant', content: textIn(place, answer.body) }, null)
  const pieces = [first, event({}, 'stop'), 'data: [DONE]\n\n'].map((piece) => Buffer.from(piece))
  return { kind: 'events', status: answer.status, source: new PreparedStream(pieces) }
}

/** Pictures in OpenAI’s shape. */
export const imagesAnswer = (answer: Whole, place: Place, created: number): Whole => {
  const data =
    place.url !== undefined
      ? textsAt(answer.body, place.url, []).map((url) => ({ url }))
      : place.base64 !== undefined
        ? textsAt(answer.body, place.base64, []).map((text) => ({ b64_json: text.replace(/^data:[^,]*,/, '') }))
        : [{ b64_json: answer.body.toString('base64') }]
  const body = Buffer.from(JSON.stringify({ created, data }))
  const media = { ...nothingTold, images: data.length }
  return { kind: 'json', status: answer.status, body, usage: null, media }
}

/** Sound that came as text. */
export const soundAnswer = (answer: Whole, { base64 = '', type = '' }: Place): ProviderAnswer => {
  const pieces = textsAt(answer.body, base64, []).map((text) => Buffer.from(text.replace(/^data:[^,]*,/, ''), 'base64'))
  return { kind: 'binary', status: answer.status, contentType: type, source: new PreparedStream(pieces) }
}
