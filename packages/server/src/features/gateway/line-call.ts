import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { Operation } from '../../domain/inference.ts'
import { noTags } from '../../domain/route.ts'
import { Walk } from '../../domain/walk.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { CallAnswer } from './flow.ts'
import type { GatewayRoutePorts } from './gateway.routes.ts'
import { startCall } from './handle-call.ts'

/** A call that comes from the house's own queue, not from a connection. */
export interface LineCallInput {
  readonly caller: Caller
  /** For whom; null when unnamed. */
  readonly user: string | null
  readonly operation: Operation
  readonly body: Buffer
  readonly signal: CancelSignal
}

/** Such a call: its exchange, and the body of the answer. */
export interface LineCall {
  readonly exchange: Exchange
  /** @throws AppError, as a call over a connection would be answered. */
  readonly answer: () => Promise<Buffer>
}

/** Makes calls of the house's own queue: the same walk as every other, with a request id and a ledger row of its own. */
export const createLineCall =
  (ports: GatewayRoutePorts & { readonly now: () => number }) =>
  ({ caller, user, operation, body, signal }: LineCallInput): LineCall => {
    const at = ports.now()
    const startedAt = ports.monotonic()
    const walk = new Walk(startedAt, at)
    walk.identifiedAt = walk.receivedAt = startedAt
    const id = prefixedId('req', at)
    const exchange = { id, requestId: id, caller, address: '', startedAt, user, tags: noTags, headers: {}, walk }
    const input = { params: {}, query: {}, body, headers: {}, requestId: id, address: '', signal, exchange }
    return {
      exchange,
      answer: async () => {
        const { answer } = await startCall(ports, operation, () => ports.read(operation, body), input)
        return ((await answer) as CallAnswer & { kind: 'json' }).answer.body
      },
    }
  }
