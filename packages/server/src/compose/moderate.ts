import type { Exchange } from '../domain/exchange.ts'
import type { Target } from '../domain/model.ts'
import { noTags } from '../domain/route.ts'
import type { UpstreamAnswer } from '../domain/upstream.ts'
import { Walk } from '../domain/walk.ts'
import { readInferenceRequest } from '../features/gateway/openai-wire.ts'
import type { Providers } from '../features/providers/providers.ts'
import type { Routing } from '../features/routing/routing.ts'
import type { SafetyPorts } from '../features/safety/safety.ports.ts'
import type { Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { prefixedId } from '../kernel/ids.ts'

interface ModerateOptions {
  readonly choose: Routing['choose']
  readonly call: Providers['call']
  readonly clock: Clock
}

/** The house may ask every model. */
const house = { caller: { models: null, tier: 'internal' }, address: null, tags: noTags }

const bodyOf = (answer: UpstreamAnswer): Buffer => {
  if (answer.kind === 'json') return answer.body
  answer.release()
  throw new AppError('upstream_malformed')
}

/** A call of the house's own to a moderation model: with tries and circuits like every call, on nobody's account. */
export const createModerate =
  ({ choose, call, clock }: ModerateOptions): SafetyPorts['moderate'] =>
  async (model, text, exchange, signal) => {
    const request = readInferenceRequest('moderations', Buffer.from(JSON.stringify({ model, input: text })))
    const { targets }: { targets: readonly Target[] } = await choose(house, request)
    const startedAt = clock.monotonic()
    const own: Exchange = {
      ...exchange,
      id: prefixedId('req', clock.now()),
      startedAt,
      headers: {},
      walk: new Walk(startedAt, clock.now(), '', undefined, undefined),
    }
    return bodyOf(await call(targets, request, own, signal))
  }
