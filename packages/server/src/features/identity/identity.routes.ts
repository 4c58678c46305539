import {
  type CreateKey,
  CreateKeySchema,
  type CreateProject,
  CreateProjectSchema,
  KeyPageSchema,
  KeyPathSchema,
  KeySchema,
  KeyWithSecretSchema,
  PageQuerySchema,
  ProjectPageSchema,
  ProjectPageQuerySchema,
  ProjectSchema,
  type RevokeKey,
  RevokeKeySchema,
  type RotateKey,
  RotateKeySchema,
  type UpdateKey,
  UpdateKeySchema,
} from '@headgate/contract/keys.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { KeysService, Operator } from './keys.service.ts'
import type { ProjectsService } from './projects.service.ts'

const operatorOf = ({ actor, requestId }: AdminInput): Operator => ({ actor, requestId })
const idOf = ({ params }: AdminInput): string => params['id'] ?? ''
const json = (value: unknown, status = 200) => ({ kind: 'json', status, value }) as const

/** The operator's routes of keys and projects. */
export const identityRoutes = (keys: KeysService, projects: ProjectsService): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/admin/v1/keys',
    access: 'admin',
    summary: 'Creates an API key; the answer holds its secret, shown this once.',
    body: CreateKeySchema,
    reference: { operationId: 'createKey', tag: 'Keys', answer: KeyWithSecretSchema, status: 201 },
    handle: async (input) => json(await keys.create(input.body as CreateKey, operatorOf(input)), 201),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/keys',
    access: 'admin',
    summary: 'Lists API keys, the newest first.',
    query: ProjectPageQuerySchema,
    reference: { operationId: 'listKeys', tag: 'Keys', answer: KeyPageSchema },
    handle: async (input) => json(await keys.list(input.query)),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/keys/:id',
    access: 'admin',
    summary: 'Shows one API key and the state of its budget.',
    reference: {
      operationId: 'getKey',
      tag: 'Keys',
      answer: KeySchema,
      params: KeyPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => json(await keys.get(idOf(input))),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/admin/v1/keys/:id',
    access: 'admin',
    summary: 'Changes an API key: what is absent stays, null takes away.',
    body: UpdateKeySchema,
    reference: {
      operationId: 'updateKey',
      tag: 'Keys',
      answer: KeySchema,
      params: KeyPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => json(await keys.update(idOf(input), input.body as UpdateKey, operatorOf(input))),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/keys/:id/rotate',
    access: 'admin',
    summary: 'Gives an API key a new secret; the former one stays valid for the overlap, a day unless told.',
    body: RotateKeySchema,
    reference: {
      operationId: 'rotateKey',
      tag: 'Keys',
      answer: KeyWithSecretSchema,
      params: KeyPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => json(await keys.rotate(idOf(input), input.body as RotateKey, operatorOf(input))),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/keys/:id/revoke',
    access: 'admin',
    summary: 'Ends an API key at once, on every replica within 5 seconds.',
    body: RevokeKeySchema,
    reference: {
      operationId: 'revokeKey',
      tag: 'Keys',
      answer: KeySchema,
      params: KeyPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => json(await keys.revoke(idOf(input), input.body as RevokeKey, operatorOf(input))),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/projects',
    access: 'admin',
    summary: 'Creates a project, the tenant of keys and usage.',
    body: CreateProjectSchema,
    reference: { operationId: 'createProject', tag: 'Projects', answer: ProjectSchema, status: 201 },
    handle: async (input) => json(await projects.create(input.body as CreateProject, operatorOf(input)), 201),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/projects',
    access: 'admin',
    summary: 'Lists projects, the oldest first.',
    query: PageQuerySchema,
    reference: { operationId: 'listProjects', tag: 'Projects', answer: ProjectPageSchema },
    handle: async (input) => json(await projects.list(input.query)),
  }),
]
