import type { Feature } from '../../kernel/feature.ts'
import { createAccounts } from './account.ts'
import { createCheckedCall, type Inspect } from './checked-call.ts'
import { createContinuation } from './continuation.ts'
import { type BackgroundPorts, createBackground } from './background-call.ts'
import type { ConversationPorts } from './conversation-call.ts'
import type { MemoryPorts } from './memory-call.ts'
import { createFlow } from './flow.ts'
import { createMarkedCall, type MarkPorts } from './marked-call.ts'
import { type PlainModels, plainRoutes } from './plain.routes.ts'
import type { AccountPorts, FlowPorts } from './gateway.ports.ts'
import { completionsRoute } from './completions/completions.routes.ts'
import type { CallPorts } from './handle-call.ts'
import { createLineCall, type LineCall, type LineCallInput } from './line-call.ts'
import { gatewayRoutes } from './gateway.routes.ts'
import { createRequestReader } from './large-body.ts'
import { explainRoute } from './route.routes.ts'
import { type MediaLimits, mediaRoutes } from './media.routes.ts'
import { messagesRoutes } from './messages/messages.routes.ts'
import { createStoredCall, type KeepMade } from './stored-call.ts'
import { type ResponsesPorts, responsesRoute } from './responses/responses.routes.ts'

/** What the gateway shows the house. */
export interface Gateway extends Feature {
  /** A call of the house's own queue. */
  readonly lineCall: (input: LineCallInput) => LineCall
}

/** The gateway: OpenAI-compatible calls, from bytes in to bytes out. */
export const createGateway = (
  ports: FlowPorts &
    BackgroundPorts &
    AccountPorts &
    Pick<CallPorts, 'keepStream' | 'cacheWish'> & {
      readonly maxBodyBytes: number
      readonly media: MediaLimits
      readonly plainModels: PlainModels
      /** Kept streams go on at another target when their provider breaks off. */
      readonly continuesStreams: boolean
      readonly now: () => number
      readonly responses: ResponsesPorts
      readonly conversations: ConversationPorts
      readonly memories: MemoryPorts
      readonly mark: MarkPorts
      readonly keepMade: KeepMade
      /** Null where no answer is looked at. */
      readonly inspect: Inspect | null
    },
): Gateway => {
  const reader = createRequestReader()
  const flow = createFlow(ports, createAccounts(ports), ports.monotonic)
  const marked = createMarkedCall(createCheckedCall(flow, ports.inspect), ports.mark)
  const call = createStoredCall(marked, ports.keepMade)
  const routePorts = {
    call,
    read: reader.read,
    readCompletion: reader.readCompletion,
    readResponse: reader.readResponse,
    maxBodyBytes: ports.maxBodyBytes,
    monotonic: ports.monotonic,
    keepStream: ports.keepStream,
    continuation: ports.continuesStreams
      ? createContinuation({ ...ports, call, read: (body) => reader.read('chat', body) })
      : null,
    cacheWish: ports.cacheWish,
    inBackground: createBackground(ports),
  }
  return {
    name: 'gateway',
    routes: [
      ...gatewayRoutes({ ...routePorts, conversations: ports.conversations, memories: ports.memories }),
      completionsRoute(routePorts),
      responsesRoute({ ...routePorts, responses: ports.responses }),
      ...messagesRoutes({ ...routePorts, estimateInput: ports.estimateInput }),
      ...mediaRoutes({ ...routePorts, media: ports.media }),
      explainRoute({ read: reader.read, maxBodyBytes: ports.maxBodyBytes, route: ports.route }),
      ...plainRoutes({ ...routePorts, plainModels: ports.plainModels }),
    ],
    lineCall: createLineCall({ ...routePorts, now: ports.now, responses: ports.responses }),
    relieve: reader.rest,
    stop: reader.stop,
  }
}
