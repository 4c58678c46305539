import {
  type Access,
  AccessSchema,
  type ExplainInput,
  ExplainSchema,
  ExplanationSchema,
  type Explanation,
  NamedPolicySchema,
  PolicyListSchema,
  PolicyPathSchema,
  type PolicyInput,
  PolicySchema,
} from '@headgate/contract/limits.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Operator } from './admission.ports.ts'
import type { Limits } from './limits.ts'

const ACCESS_BYTES = 1_048_576
const operatorOf = ({ actor, requestId }: AdminInput): Operator => ({ actor, requestId })
const nameOf = ({ params }: AdminInput): string => params['name'] ?? ''
const json = (value: unknown) => ({ kind: 'json', value }) as const

/** The operator's routes of limits. */
export const admissionRoutes = (limits: Limits, explain: (input: ExplainInput) => Promise<Explanation>): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/limits/policies',
    access: 'admin',
    permission: 'limits:read',
    summary: 'Lists the limits that are data, those of the configuration included.',
    reference: { operationId: 'listLimitPolicies', tag: 'Limits', answer: PolicyListSchema },
    handle: async () => json({ object: 'list', data: await limits.list(), has_more: false, next_cursor: null }),
  }),
  defineRoute({
    method: 'PUT',
    path: '/admin/v1/limits/policies/:name',
    access: 'admin',
    permission: 'limits:write',
    summary: 'Sets a limit, in effect on every replica within 5 seconds.',
    body: PolicySchema,
    reference: { operationId: 'putLimitPolicy', tag: 'Limits', params: PolicyPathSchema, answer: NamedPolicySchema },
    handle: async (input) => json(await limits.put(nameOf(input), input.body as PolicyInput, operatorOf(input))),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/admin/v1/limits/policies/:name',
    access: 'admin',
    permission: 'limits:write',
    summary: 'Takes a limit away.',
    reference: {
      operationId: 'deleteLimitPolicy',
      tag: 'Limits',
      params: PolicyPathSchema,
      answer: PolicyListSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => {
      await limits.remove(nameOf(input), operatorOf(input))
      return json({ object: 'list', data: await limits.list(), has_more: false, next_cursor: null })
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/limits/access',
    access: 'admin',
    permission: 'limits:read',
    summary: 'Shows who may call at all, by address and country.',
    reference: { operationId: 'getAccess', tag: 'Limits', answer: AccessSchema },
    handle: async () => json(await limits.access()),
  }),
  defineRoute({
    method: 'PUT',
    path: '/admin/v1/limits/access',
    access: 'admin',
    permission: 'limits:write',
    summary: 'Sets who may call at all, in effect on every replica within 5 seconds.',
    body: AccessSchema,
    maxBodyBytes: ACCESS_BYTES,
    reference: { operationId: 'putAccess', tag: 'Limits', answer: AccessSchema },
    handle: async (input) => json(await limits.putAccess(input.body as Access, operatorOf(input))),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/limits/explain',
    access: 'admin',
    permission: 'limits:read',
    summary: 'Says which limits a call would meet, how each stands and which would decide; takes nothing.',
    body: ExplainSchema,
    reference: {
      operationId: 'explainLimits',
      tag: 'Limits',
      answer: ExplanationSchema,
      errors: [
        'resource_not_found',
        'model_not_found',
        'model_not_allowed',
        'licence_not_allowed',
        'operation_not_supported',
      ],
    },
    handle: async (input) => json(await explain(input.body as ExplainInput)),
  }),
]
