import {
  SafetyPolicyInputSchema,
  type SafetyPolicyInput,
  SafetyPolicyPathSchema,
  type SafetyPolicy,
  SafetyPolicySchema,
} from '@headgate/contract/safety-policies.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Operator } from './project-policies.ports.ts'

interface ProjectPolicyRoutes {
  readonly show: (project: string) => Promise<SafetyPolicy>
  readonly put: (project: string, input: SafetyPolicyInput, operator: Operator) => Promise<SafetyPolicy>
  readonly remove: (project: string, operator: Operator) => Promise<SafetyPolicy>
}

const projectOf = ({ params }: AdminInput): string => params['project'] ?? ''
const operatorOf = ({ actor, requestId }: AdminInput): Operator => ({ actor, requestId })
const reference = {
  tag: 'Projects',
  answer: SafetyPolicySchema,
  params: SafetyPolicyPathSchema,
  errors: ['resource_not_found'],
} as const

/** The operator's routes of what is checked of the calls of a project. */
export const projectPolicyRoutes = ({ show, put, remove }: ProjectPolicyRoutes): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/projects/:project/safety-policy',
    access: 'admin',
    permission: 'safety:read',
    summary: 'Shows the safety policy in effect for a project, what set it, and what is checked.',
    reference: { operationId: 'getSafetyPolicy', ...reference },
    handle: async (input) => ({ kind: 'json', value: await show(projectOf(input)) }),
  }),
  defineRoute({
    method: 'PUT',
    path: '/admin/v1/projects/:project/safety-policy',
    access: 'admin',
    permission: 'safety:write',
    summary: 'Sets the safety policy of a project, on every replica within 5 seconds.',
    body: SafetyPolicyInputSchema,
    reference: { operationId: 'putSafetyPolicy', ...reference },
    handle: async (input) => ({
      kind: 'json',
      value: await put(projectOf(input), input.body as SafetyPolicyInput, operatorOf(input)),
    }),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/admin/v1/projects/:project/safety-policy',
    access: 'admin',
    permission: 'safety:write',
    summary: 'Takes the safety policy of a project back to the configuration, on every replica within 5 seconds.',
    reference: { operationId: 'deleteSafetyPolicy', ...reference },
    handle: async (input) => ({ kind: 'json', value: await remove(projectOf(input), operatorOf(input)) }),
  }),
]
