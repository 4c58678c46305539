import { ChatRequestSchema } from '@headgate/contract/chat.ts'
import { type RouteExplanation, RouteExplanationSchema, RouteQuerySchema } from '@headgate/contract/routing.ts'
import type { Operation } from '../../domain/inference.ts'
import type { ExplainedChoice } from '../../domain/route.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { FlowPorts } from './gateway.ports.ts'
import type { GatewayRoutePorts } from './gateway.routes.ts'

const MOST_REJECTED = 100

const present = (model: string, { targets, reason, rejected }: ExplainedChoice): RouteExplanation => ({
  object: 'route',
  model,
  reason,
  targets: targets.map(({ name, operations, contextTokens }) => ({
    model: name,
    operations: [...operations],
    context_tokens: contextTokens,
  })),
  rejected: rejected.slice(0, MOST_REJECTED).map((one) => ({ ...one })),
})

/** Declares the dry run of routing: takes the body of a call and makes none. */
export const explainRoute = ({
  read,
  maxBodyBytes,
  route,
}: Pick<GatewayRoutePorts, 'read' | 'maxBodyBytes'> & Pick<FlowPorts, 'route'>): Route =>
  defineRoute({
    method: 'POST',
    path: '/v1/route',
    summary: 'Says where a request would go, and why, without making the call.',
    access: 'caller',
    browser: true,
    query: RouteQuerySchema,
    body: 'bytes',
    maxBodyBytes,
    reference: {
      operationId: 'explainRoute',
      tag: 'Models',
      description:
        'Takes the body of a call as it is. Where weights or a lot decide, the next call may be answered by another of the targets; nothing is charged or counted.',
      body: ChatRequestSchema,
      answer: RouteExplanationSchema,
      errors: [
        'duplicate_parameter',
        'unsupported_parameter',
        'model_missing',
        'prompt_empty',
        'messages_empty',
        'model_not_found',
        'model_not_allowed',
        'licence_not_allowed',
        'operation_not_supported',
      ],
    },
    handle: async ({ exchange, body, query }) => {
      const operation = (query['operation'] ?? 'chat') as Operation
      const request = await read(operation, body as Buffer)
      return { kind: 'json', value: present(request.model, await route(exchange, request)) }
    },
  })
