import type { Exchange } from '../domain/exchange.ts'
import type { LineCallInput } from '../features/gateway/line-call.ts'
import { asAppError } from '../http/fail.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AppError } from '../kernel/errors.ts'
import type { Generation } from './generation.ts'

/** What became of a call of the house’s own. */
export interface LineResult {
  readonly exchange: Exchange
  readonly made: { readonly body: Buffer } | { readonly fault: AppError }
}

/** Makes calls of the house’s own in the generation that stands, each with its line in the log. Never rejects. */
export const createLineAnswers =
  (current: () => Pick<Generation, 'lineCall' | 'door'>, clock: Clock) =>
  async (route: string, line: LineCallInput): Promise<LineResult> => {
    const { lineCall, door } = current()
    const { exchange, answer } = lineCall(line)
    const { id, requestId, caller, walk } = exchange
    const made = await answer().then(
      (body): LineResult['made'] => ({ body }),
      (thrown: unknown): LineResult['made'] => ({ fault: asAppError(thrown) }),
    )
    walk.endedAt = clock.monotonic()
    const fault = 'fault' in made ? made.fault : null
    door.observe({
      ...{ id, requestId, method: 'POST', route, status: fault?.status ?? 200 },
      durationMs: walk.endedAt - walk.startedAt,
      isDeprecated: false,
      ...{ fault, caller, walk },
    })
    return { exchange, made }
  }
