import { ProjectPathSchema } from '@headgate/contract/issuers.ts'
import {
  type MakeUserSecret,
  MakeUserSecretSchema,
  UserSecretEndedSchema,
  UserSecretListSchema,
  UserSecretSchema,
} from '@headgate/contract/user-secrets.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { UserSecrets } from './user-secrets.ts'

const projectOf = ({ params }: AdminInput): string => params['project'] ?? ''

/** The operator's routes of the secrets under which backends sign users. */
export const userSecretRoutes = (secrets: UserSecrets): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/projects/:project/user-secret',
    access: 'admin',
    permission: 'users:read',
    summary:
      'Lists the secrets for signed users of a project: when they were made and when they end, not what they are.',
    reference: {
      operationId: 'listUserSecrets',
      tag: 'Users',
      answer: UserSecretListSchema,
      params: ProjectPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => ({ kind: 'json', value: await secrets.list(projectOf(input)) }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/projects/:project/user-secret',
    access: 'admin',
    permission: 'users:write',
    summary:
      'Makes a secret under which a backend signs whom a request is for; a former one stays valid for the overlap.',
    body: MakeUserSecretSchema,
    reference: {
      operationId: 'makeUserSecret',
      tag: 'Users',
      answer: UserSecretSchema,
      status: 201,
      params: ProjectPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => {
      const { actor, requestId } = input
      const project = projectOf(input)
      const made = await secrets.make(project, input.body as MakeUserSecret, { actor, requestId })
      const former_ends_at = made.formerEndsAt?.toISOString() ?? null
      return {
        kind: 'json',
        status: 201,
        value: { object: 'user_secret', project, secret: made.secret, former_ends_at },
      }
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/admin/v1/projects/:project/user-secret',
    access: 'admin',
    permission: 'users:write',
    summary: 'Ends the secrets for signed users of a project at once, on every replica within 5 seconds.',
    reference: {
      operationId: 'deleteUserSecret',
      tag: 'Users',
      answer: UserSecretEndedSchema,
      params: ProjectPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => {
      const { actor, requestId } = input
      const project = projectOf(input)
      await secrets.end(project, { actor, requestId })
      return { kind: 'json', value: { object: 'user_secret', project, deleted: true } }
    },
  }),
]
