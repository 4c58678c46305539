import {
  type CreateProvider,
  CreateProviderSchema,
  ProviderDeletedSchema,
  ProviderListSchema,
  ProviderPathSchema,
  ProviderSchema,
  ProviderTestSchema,
  type UpdateProvider,
  UpdateProviderSchema,
} from '@headgate/contract/providers.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Operator } from './providers.ports.ts'
import type { ProvidersService } from './providers.service.ts'

const operatorOf = ({ actor, requestId }: AdminInput): Operator => ({ actor, requestId })
const nameOf = ({ params }: AdminInput): string => params['name'] ?? ''
const json = (value: unknown, status = 200) => ({ kind: 'json', status, value }) as const

/** The operator's routes of providers. */
export const providerRoutes = (providers: ProvidersService): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/admin/v1/providers',
    access: 'admin',
    permission: 'providers:write',
    summary: 'Adds a provider, in use on every replica within 5 seconds; its key is kept sealed.',
    body: CreateProviderSchema,
    reference: { operationId: 'createProvider', tag: 'Providers', answer: ProviderSchema, status: 201 },
    handle: async (input) => json(await providers.create(input.body as CreateProvider, operatorOf(input)), 201),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/providers',
    access: 'admin',
    permission: 'providers:read',
    summary: 'Lists all providers, those of the configuration included.',
    reference: { operationId: 'listProviders', tag: 'Providers', answer: ProviderListSchema },
    handle: async () => json({ object: 'list', data: await providers.list(), has_more: false, next_cursor: null }),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/admin/v1/providers/:name',
    access: 'admin',
    permission: 'providers:write',
    summary: 'Changes a provider that an operator added; what is not given stays.',
    body: UpdateProviderSchema,
    reference: {
      operationId: 'updateProvider',
      tag: 'Providers',
      answer: ProviderSchema,
      params: ProviderPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) =>
      json(await providers.update(nameOf(input), input.body as UpdateProvider, operatorOf(input))),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/admin/v1/providers/:name',
    access: 'admin',
    permission: 'providers:write',
    summary: 'Deletes a provider that an operator added; calls under way end on it.',
    reference: {
      operationId: 'deleteProvider',
      tag: 'Providers',
      answer: ProviderDeletedSchema,
      params: ProviderPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => {
      await providers.remove(nameOf(input), operatorOf(input))
      return json({ object: 'provider', name: nameOf(input), deleted: true })
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/providers/:name/test',
    access: 'admin',
    permission: 'providers:write',
    summary: 'Asks a provider for its models and says what came of it.',
    reference: {
      operationId: 'testProvider',
      tag: 'Providers',
      answer: ProviderTestSchema,
      params: ProviderPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => json(await providers.test(nameOf(input), operatorOf(input))),
  }),
]
