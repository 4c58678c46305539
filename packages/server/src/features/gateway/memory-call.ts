import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import { type InferenceRequest, type MemberSpan, replaceSpan } from '../../domain/inference.ts'
import { AppError } from '../../kernel/errors.ts'
import { outlineJson, parseJson } from '../../kernel/json.ts'
import type { CallerInput, Reply } from '../../kernel/route.ts'
import { type CallPorts, handleCall } from './handle-call.ts'
import type { Wire } from './read-request.ts'
import { isObject } from './wire-members.ts'

type Message = Readonly<Record<string, unknown>> & { readonly role: string }

/** What chat calls need of memories. */
export interface MemoryPorts {
  /** What a call is given of what is known about its person; null for nothing. */
  readonly recall: (
    exchange: Exchange,
    headers: CallerInput['headers'],
    messages: readonly Message[],
  ) => Promise<Message | null>
}

/** Largest body of a call with memories: it is read here, beside other calls. */
const MOST_BYTES = 4_194_304
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])

/** Where an element of a JSON array begins, which is known to be sound; its end where it has no such element. */
const startOf = (text: Buffer, { start, end }: MemberSpan, element: number): number => {
  let depth = 0
  let left = element
  for (let at = start + 1; at < end - 1; at++) {
    if (left === 0) return at
    const byte = text[at] as number
    if (byte === QUOTE) while (text[++at] !== QUOTE) at += text[at] === BACKSLASH ? 1 : 0
    else if (OPENING.has(byte)) depth += 1
    else if (CLOSING.has(byte)) depth -= 1
    else if (byte === COMMA && depth === 0) left -= 1
  }
  return end - 1
}

/** The body as it was written, with a message before the last one of the user’s. */
const withMemory = (body: Buffer, asked: readonly Message[], memory: Message): Buffer => {
  const span = outlineJson(body).members.get('messages') as MemberSpan
  const at = startOf(
    body,
    span,
    asked.findLastIndex(({ role }) => role === 'user'),
  )
  return replaceSpan(body, at, at, `${JSON.stringify(memory)},`)
}

/** A chat call that asks for memories: what is known about its person stands before what was said last. */
export const createMemoryCall = (
  ports: CallPorts & { readonly read: (wire: Wire, body: Buffer) => InferenceRequest | Promise<InferenceRequest> },
  { recall }: MemoryPorts,
): ((input: CallerInput) => Promise<Reply>) => {
  const { read } = ports
  return async (input) => {
    const body = input.body as Buffer
    if (body.length > MOST_BYTES)
      throw new AppError('request_too_large', {
        detail: `A call with ${header.memory} takes at most ${MOST_BYTES} bytes.`,
        params: { limit_bytes: MOST_BYTES },
      })
    // What is wrong by itself is told before anything is looked for.
    await read('chat', body)
    const given = parseJson(body)
    const asked = (isObject(given) ? given['messages'] : []) as readonly Message[]
    const memory = await recall(input.exchange, input.headers, asked)
    const whole = memory === null ? body : withMemory(body, asked, memory)
    return handleCall(ports, 'chat', () => read('chat', whole))(input)
  }
}
