import type { Exchange } from '../../domain/exchange.ts'
import type { StreamSource } from '../../domain/upstream.ts'
import { Walk } from '../../domain/walk.ts'
import { Cancellation } from '../../kernel/cancellation.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { CallPorts } from './handle-call.ts'

/** What calls need that nobody waits for. */
export interface BackgroundPorts {
  readonly now: () => number
  readonly monotonic: () => number
  /** Told of those that failed. */
  readonly onBackgroundFault: (fault: unknown, requestId: string) => void
}

const drain = (source: StreamSource): Promise<void> =>
  new Promise((resolve, reject) => {
    source.start({ data: () => {}, end: resolve, fail: reject })
  })

/** Makes calls that nobody waits for: each with an id, an account and limits of its own, for whom the first was made. */
export const createBackground =
  ({ now, monotonic, onBackgroundFault }: BackgroundPorts): CallPorts['inBackground'] =>
  (first, make) => {
    const startedAt = monotonic()
    const at = now()
    const walk = new Walk(startedAt, at)
    walk.operation = first.walk.operation
    walk.model = first.walk.model
    walk.stream = first.walk.stream
    const exchange: Exchange = { ...first, id: prefixedId('req', at), startedAt, headers: {}, walk }
    return make(exchange, new Cancellation())
      .then((answer) => (answer.kind === 'json' ? undefined : drain(answer.source)))
      .catch((fault: unknown) => onBackgroundFault(fault, first.requestId))
  }
