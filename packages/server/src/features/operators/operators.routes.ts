import {
  type CreateOperator,
  CreateOperatorSchema,
  type CreateSession,
  CreateSessionSchema,
  OperatorPageSchema,
  OperatorPathSchema,
  OperatorQuerySchema,
  OperatorSchema,
  SessionPageSchema,
  SessionPathSchema,
  SessionSchema,
  SessionWithTokenSchema,
  type UpdateOperator,
  UpdateOperatorSchema,
} from '@headgate/contract/operators.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Actor } from './operators.ports.ts'
import type { OperatorsService } from './operators.service.ts'

const actorOf = ({ actor, requestId }: AdminInput): Actor => ({ actor, requestId })
const idOf = ({ params }: AdminInput): string => params['id'] ?? ''
const json = (value: unknown, status = 200) => ({ kind: 'json', status, value }) as const

/** The routes of operators and of their sessions. */
export const operatorRoutes = (operators: OperatorsService): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/admin/v1/operators',
    access: 'admin',
    permission: 'operators:write',
    summary: 'Adds an operator with a role.',
    body: CreateOperatorSchema,
    reference: { operationId: 'createOperator', tag: 'Operators', answer: OperatorSchema, status: 201 },
    handle: async (input) => json(await operators.create(input.body as CreateOperator, actorOf(input)), 201),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/operators',
    access: 'admin',
    permission: 'operators:read',
    summary: 'Lists operators, the newest first.',
    query: OperatorQuerySchema,
    reference: { operationId: 'listOperators', tag: 'Operators', answer: OperatorPageSchema },
    handle: async (input) => json(await operators.list(input.query)),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/admin/v1/operators/:id',
    access: 'admin',
    permission: 'operators:write',
    summary: 'Changes name, role or state of an operator; whoever is disabled loses every session.',
    body: UpdateOperatorSchema,
    reference: {
      operationId: 'updateOperator',
      tag: 'Operators',
      answer: OperatorSchema,
      params: OperatorPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => json(await operators.update(idOf(input), input.body as UpdateOperator, actorOf(input))),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/sessions',
    access: 'admin',
    permission: 'operators:write',
    summary: 'Opens a session for an operator; the answer holds its token, shown this once.',
    body: CreateSessionSchema,
    reference: {
      operationId: 'createSession',
      tag: 'Operators',
      answer: SessionWithTokenSchema,
      status: 201,
      errors: ['resource_not_found'],
    },
    handle: async (input) => json(await operators.openSession(input.body as CreateSession, actorOf(input)), 201),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/sessions',
    access: 'admin',
    permission: 'operators:read',
    summary: 'Lists sessions of operators, the newest first.',
    query: OperatorQuerySchema,
    reference: { operationId: 'listSessions', tag: 'Operators', answer: SessionPageSchema },
    handle: async (input) => json(await operators.listSessions(input.query)),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/admin/v1/sessions/:id',
    access: 'admin',
    permission: 'operators:write',
    summary: 'Ends a session at once, on every replica.',
    reference: {
      operationId: 'revokeSession',
      tag: 'Operators',
      answer: SessionSchema,
      params: SessionPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => json(await operators.revokeSession(idOf(input), actorOf(input))),
  }),
]
