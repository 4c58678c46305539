import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import { type InferenceRequest, type MemberSpan, replaceSpan } from '../../domain/inference.ts'
import type { StreamSource } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import { outlineJson, parseJson } from '../../kernel/json.ts'
import type { CallerInput, Reply } from '../../kernel/route.ts'
import { type CallPorts, handleCall } from './handle-call.ts'
import type { Wire } from './read-request.ts'
import type { MemoryPorts } from './memory-call.ts'
import { isBlank, isObject, type Members } from './wire-members.ts'

type Message = Readonly<Record<string, unknown>> & { readonly role: string }

/** What this route needs of conversations that are kept. */
export interface ConversationPorts {
  readonly open: (
    exchange: Exchange,
    headers: CallerInput['headers'],
  ) => Promise<{
    /** Members of a call that says nothing of them. */
    readonly defaults: Members
    readonly prepare: (asked: {
      readonly messages: readonly Message[]
      readonly model: string
      readonly safe: string | undefined
      readonly signal: CancelSignal
    }) => Promise<{
      readonly context: readonly Message[]
      readonly whole: (body: Buffer) => Promise<void>
      readonly stream: (source: StreamSource) => Promise<StreamSource>
    }>
  }>
  /** Largest body of a call in a session. */
  readonly maxBodyBytes: () => number
}

type Edit = readonly [span: MemberSpan, text: string]

const edited = (body: Buffer, edits: readonly Edit[]): Buffer =>
  [...edits]
    .sort(([one], [other]) => other.start - one.start)
    .reduce((text, [{ start, end }, next]) => replaceSpan(text, start, end, next), body)

/** The body as it was written, with what it says nothing of, and with messages before its own. */
const withConversation = (body: Buffer, given: Members, defaults: Members, context: readonly Message[]): Buffer => {
  const { members } = outlineJson(body)
  const edits: Edit[] = []
  const messages = members.get('messages') as MemberSpan
  const before = context.map((message) => JSON.stringify(message)).join(',')
  const isFollowed = before !== '' && (given['messages'] as unknown[]).length > 0
  edits.push([{ start: messages.start + 1, end: messages.start + 1 }, isFollowed ? `${before},` : before])
  let added = ''
  for (const [name, value] of Object.entries(defaults)) {
    const standing = members.get(name)
    if (standing === undefined) added += `${JSON.stringify(name)}:${JSON.stringify(value)},`
    else if (name === 'model' && isBlank(given['model'] ?? '')) edits.push([standing, JSON.stringify(value)])
  }
  const start = body.indexOf(0x7b) + 1
  edits.push([{ start, end: start }, added])
  return edited(body, edits)
}

/** The stricter of what header and member ask for; what is wrong with them, the call itself is told. */
const safeWish = (...wishes: readonly unknown[]): string | undefined => {
  const given = wishes.filter((wish) => wish === true || typeof wish === 'string').map(String)
  return ['strict', 'true'].find((wish) => given.includes(wish))
}

/**
 * A chat call that names a session: the conversation stands before its messages, the agent’s members beside them, and both
 * sides are kept once an answer is there.
 */
export const createConversationCall = (
  ports: CallPorts & { readonly read: (wire: Wire, body: Buffer) => InferenceRequest | Promise<InferenceRequest> },
  { open, maxBodyBytes }: ConversationPorts,
  { recall }: MemoryPorts,
): ((input: CallerInput) => Promise<Reply>) => {
  const { read } = ports
  return async (input) => {
    const body = input.body as Buffer
    const most = maxBodyBytes()
    if (body.length > most)
      throw new AppError('request_too_large', {
        detail: `A call with ${header.session} takes at most ${most} bytes.`,
        params: { limit_bytes: most },
      })
    const { duplicates } = outlineJson(body)
    const given = parseJson(body)
    const asked = isObject(given) ? given['messages'] : undefined
    // What is wrong by itself is told as it is everywhere.
    if (!isObject(given) || !Array.isArray(asked) || duplicates.length > 0)
      return handleCall(ports, 'chat', () => read('chat', body))(input)
    const { defaults, prepare } = await open(input.exchange, input.headers)
    if (asked.length > 0) await read('chat', withConversation(body, given, defaults, []))
    const asks = input.headers[header.memory] !== undefined
    const memory = asks ? await recall(input.exchange, input.headers, asked as readonly Message[]) : null
    const model = isBlank(given['model'] ?? '') ? defaults['model'] : given['model']
    const turn = await prepare({
      messages: asked as readonly Message[],
      model: typeof model === 'string' ? model : '',
      safe: safeWish(input.headers[header.safe], given['safe']),
      signal: input.signal,
    })
    const context = memory === null ? turn.context : [...turn.context, memory]
    const whole = withConversation(body, given, defaults, context)
    return handleCall(ports, 'chat', () => read('chat', whole), turn)(input)
  }
}
