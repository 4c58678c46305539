import {
  type KeyLifecycleQuery,
  KeyLifecycleQuerySchema,
  KeySummarySchema,
  RegisteredKeyPageSchema,
} from '@headgate/contract/key-lifecycle.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { KeyLifecycleService } from './key-lifecycle.service.ts'

/** What operators ask of the keys of the house. */
export const keyLifecycleRoutes = ({ list, summarise }: KeyLifecycleService): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/key-lifecycle',
    access: 'admin',
    permission: 'keys:read',
    summary: 'Lists every key that Headgate uses: its state, age, last use and end, and when it is to be replaced.',
    query: KeyLifecycleQuerySchema,
    reference: {
      operationId: 'listKeyLifecycle',
      tag: 'Keys',
      description:
        'Keys of the house, of providers, of projects and of callers, kind after kind. Never the key itself.',
      answer: RegisteredKeyPageSchema,
      errors: ['database_unavailable'],
    },
    handle: async ({ query }) => ({ kind: 'json', value: await list(query as KeyLifecycleQuery) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/key-lifecycle/summary',
    access: 'admin',
    permission: 'keys:read',
    summary: 'Counts the keys of each kind, and those that are due.',
    reference: {
      operationId: 'summariseKeyLifecycle',
      tag: 'Keys',
      answer: KeySummarySchema,
      errors: ['database_unavailable'],
    },
    handle: async () => ({ kind: 'json', value: await summarise() }),
  }),
]
