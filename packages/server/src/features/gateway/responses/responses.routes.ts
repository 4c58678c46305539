import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import { ResponseEventSchema, ResponseSchema, ResponsesRequestSchema } from '@headgate/contract/responses.ts'
import type { Exchange } from '../../../domain/exchange.ts'
import type { StreamSource } from '../../../domain/upstream.ts'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import { AppError } from '../../../kernel/errors.ts'
import { prefixedId } from '../../../kernel/ids.ts'
import { type CallerInput, defineRoute, type Reply, type Route } from '../../../kernel/route.ts'
import type { CallAnswer } from '../flow.ts'
import { callErrors, callHeaders, type GatewayRoutePorts } from '../gateway.routes.ts'
import { eventsOf, readyCall } from '../handle-call.ts'
import { ResponseEvents } from './events.ts'
import { describeResponse, type ResponseObject } from './response.ts'
import { asResponseStream } from './stream.ts'
import { wholeResponse } from './whole-response.ts'

/** Keeps one response. */
interface RecordPort {
  readonly begin: (response: ResponseObject) => Promise<void>
  readonly end: (response: ResponseObject) => Promise<boolean>
}

/** A call whose stream goes on while readers come and go. */
interface KeptPort {
  readonly first: Promise<StreamSource>
  readonly announced: () => void
  readonly standing: () => { readonly state: string; readonly code: ErrorCode | null }
}

/** What this route needs of the memory of responses, and of streams that outlive their readers. */
export interface ResponsesPorts {
  readonly history: (asker: Exchange, id: string) => Promise<readonly unknown[]>
  readonly record: (
    asker: Exchange,
    made: { readonly id: string; readonly previousId: string | null; readonly input: readonly unknown[] },
  ) => RecordPort
  /** Begins a call that goes on to its end whoever reads; null where there is no room for one more. */
  readonly keepOn: (
    input: CallerInput,
    id: string,
    begin: (signal: CancelSignal) => Promise<StreamSource>,
  ) => KeptPort | null
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const nobody: RecordPort = { begin: () => Promise.resolve(), end: () => Promise.resolve(true) }

/** Declares the route that makes responses: any model that can chat makes them. */
export const responsesRoute = (ports: GatewayRoutePorts & { readonly responses: ResponsesPorts }): Route => {
  const { responses } = ports
  const seconds = () => Math.floor(responses.now() / 1000)
  const nameItem = (prefix: string) => prefixedId(prefix, responses.now())

  const create = async (input: CallerInput): Promise<Reply> => {
    const { exchange } = input
    const { asked, translate } = await ports.readResponse(input.body as Buffer)
    const { previousId } = asked
    const history = previousId === null ? [] : await responses.history(exchange, previousId)
    const id = nameItem('resp')
    const isStreamed = asked.stream || asked.background
    const { begin } = await readyCall(ports, 'chat', () => translate(history), input)
    const describe = describeResponse(id, seconds(), asked)
    const record = asked.store ? responses.record(exchange, { id, previousId, input: asked.input }) : nobody

    if (!isStreamed) {
      const made = (await begin(input.signal)) as CallAnswer & { kind: 'json' }
      const keep = asked.store ? record.end : null
      return { kind: 'json', value: await wholeResponse({ keep, now: responses.now }, exchange, { id, asked }, made) }
    }

    let kept: KeptPort | null = null
    const faultOf = (): ErrorCode | null => {
      const standing = kept?.standing()
      return standing?.state === 'failed' ? standing.code : null
    }
    const events = async (signal: CancelSignal): Promise<StreamSource> => {
      const source = eventsOf(await begin(signal))
      return asResponseStream(source, new ResponseEvents({ describe, nameItem, now: seconds }), record.end, faultOf)
    }
    if (!asked.background) {
      const reply = ports.keepStream(input, 'responses', events, id)
      return reply ?? { kind: 'events', stream: events(input.signal) }
    }

    const begun = describe({ status: 'in_progress', model: '', output: [], usage: null })
    await record.begin(begun)
    kept = responses.keepOn(input, id, (signal) =>
      events(signal).catch(async (thrown: unknown) => {
        const { code, message } = thrown instanceof AppError ? thrown : new AppError('internal_error')
        // Who cancels before the provider has begun is told so, not of a failure.
        const end =
          signal.aborted && faultOf() === null
            ? ({ status: 'cancelled' } as const)
            : ({ status: 'failed', fault: { code, message } } as const)
        await record.end(describe({ ...end, model: '', output: [], usage: null }))
        throw thrown
      }),
    )
    if (kept === null) {
      const fault = { code: 'streams_unavailable', message: 'There is no room for one more response.' }
      await record.end(describe({ status: 'failed', model: '', output: [], usage: null, fault }))
      throw new AppError('streams_unavailable', { retryAfterMs: 1_000 })
    }
    kept.announced()
    if (asked.stream) return { kind: 'events', stream: kept.first }
    // Nobody reads now; it is kept for who will.
    kept.first.then(
      (reader) => reader.abort(),
      () => undefined,
    )
    return { kind: 'json', value: begun }
  }

  return defineRoute({
    method: 'POST',
    path: '/v1/responses',
    summary: 'Makes a response: whole, as an event stream, or in the background.',
    access: 'caller',
    browser: true,
    body: 'bytes',
    maxBodyBytes: ports.maxBodyBytes,
    reference: {
      operationId: 'createResponse',
      tag: 'Responses',
      description:
        'OpenAI’s Responses protocol, for any model that can chat: it is translated to a conversation and back. What a provider cannot be given is named in ' +
        '`x-headgate-warning`, or refused with `"strict": true`; tools that a provider runs itself are refused.',
      body: ResponsesRequestSchema,
      answer: ResponseSchema,
      events: ResponseEventSchema,
      answerHeaders: callHeaders,
      errors: [...callErrors, 'messages_empty', 'response_not_found', 'response_in_progress', 'streams_unavailable'],
    },
    handle: create,
  })
}
