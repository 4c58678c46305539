import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { Operation } from '../../domain/inference.ts'
import { noTags } from '../../domain/route.ts'
import { Walk } from '../../domain/walk.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { CallerInput } from '../../kernel/route.ts'
import { translateCompletion } from './completions/answer.ts'
import type { CallAnswer } from './flow.ts'
import type { GatewayRoutePorts } from './gateway.routes.ts'
import { startCall } from './handle-call.ts'
import type { ResponsesPorts } from './responses/responses.routes.ts'
import { wholeResponse } from './responses/whole-response.ts'

/** A call that comes from the house's own queue, not from a connection. */
export interface LineCallInput {
  readonly caller: Caller
  /** For whom; null when unnamed. */
  readonly user: string | null
  readonly operation: Operation
  /** In which protocol a chat is asked for and answered, where it is another than chat completions. */
  readonly protocol?: 'completions' | 'responses'
  readonly body: Buffer
  readonly signal: CancelSignal
  /** What is to be checked of it, as `x-headgate-safe` says; absent: as its project has it. */
  readonly safe?: string | undefined
}

/** Such a call: its exchange, and the body of the answer. */
export interface LineCall {
  readonly exchange: Exchange
  /** @throws AppError, as a call over a connection would be answered. */
  readonly answer: () => Promise<Buffer>
}

const jsonOf = (made: CallAnswer): CallAnswer & { kind: 'json' } => made as CallAnswer & { kind: 'json' }

const noBackground = (): AppError => {
  const message = 'must be left out: a line has no background'
  return new AppError('invalid_parameter', {
    details: [{ location: 'background', message, fix: 'Leave background out.' }],
  })
}

/** Makes calls of the house's own queue: the same walk as every other, with a request id and a ledger row of its own. */
export const createLineCall = (
  ports: GatewayRoutePorts & { readonly now: () => number; readonly responses: ResponsesPorts },
) => {
  const { responses } = ports

  const completion = async (input: CallerInput): Promise<object> => {
    const read = await ports.readCompletion(input.body as Buffer)
    const { answer } = await startCall(ports, 'chat', () => read.request, input)
    return translateCompletion(jsonOf(await answer).answer.body, read.asked)
  }
  const response = async (input: CallerInput): Promise<object> => {
    const { exchange } = input
    const { asked, translate } = await ports.readResponse(input.body as Buffer)
    if (asked.background) throw noBackground()
    const { previousId } = asked
    const history = previousId === null ? [] : await responses.history(exchange, previousId)
    const { answer } = await startCall(ports, 'chat', () => translate(history), input)
    const id = prefixedId('resp', responses.now())
    const keep = asked.store ? responses.record(exchange, { id, previousId, input: asked.input }).end : null
    return wholeResponse({ keep, now: responses.now }, exchange, { id, asked }, jsonOf(await answer))
  }

  return ({ caller, user, operation, protocol, body, signal, safe }: LineCallInput): LineCall => {
    const at = ports.now()
    const startedAt = ports.monotonic()
    const walk = new Walk(startedAt, at)
    walk.identifiedAt = walk.receivedAt = startedAt
    const id = prefixedId('req', at)
    const wish = safe === undefined ? {} : { safe }
    const exchange = {
      id,
      requestId: id,
      caller,
      address: '',
      startedAt,
      user,
      tags: noTags,
      headers: {},
      walk,
      ...wish,
    }
    const input = { params: {}, query: {}, body, headers: {}, requestId: id, address: '', signal, exchange }
    return {
      exchange,
      answer: async () => {
        if (protocol !== undefined)
          return Buffer.from(JSON.stringify(await (protocol === 'responses' ? response : completion)(input)))
        const { answer } = await startCall(ports, operation, () => ports.read(operation, body), input)
        return jsonOf(await answer).answer.body
      },
    }
  }
}
