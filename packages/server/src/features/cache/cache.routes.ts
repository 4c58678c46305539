import { type PurgeCache, PurgeCacheSchema, PurgedCacheSchema } from '@headgate/contract/cache.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'

/** What operators can do to cached answers. */
export const cacheRoutes = (
  purge: (request: PurgeCache, by: Pick<AdminInput, 'actor' | 'requestId'>) => Promise<number>,
): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/admin/v1/cache/purge',
    access: 'admin',
    permission: 'config:write',
    summary: 'Forgets cached answers: of a project, a key or a user, of what is all of those that are named; else all.',
    body: PurgeCacheSchema,
    reference: { operationId: 'purgeCache', tag: 'Requests', answer: PurgedCacheSchema },
    handle: async (input) => ({
      kind: 'json',
      value: { object: 'cache_purge' as const, purged: await purge(input.body as PurgeCache, input) },
    }),
  }),
]
