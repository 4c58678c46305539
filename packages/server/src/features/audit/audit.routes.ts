import { AuditPageSchema } from '@headgate/contract/audit.ts'
import { type Page, type PageQuery, ProjectPageQuerySchema } from '@headgate/contract/keys.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'

/** The operator's view of the audit. */
export const auditRoutes = (list: (query: PageQuery) => Promise<Page<unknown>>): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/audit',
    access: 'admin',
    permission: 'audit:read',
    summary: 'Lists what operators did, the newest first.',
    query: ProjectPageQuerySchema,
    reference: { operationId: 'listAuditEntries', tag: 'Audit', answer: AuditPageSchema },
    handle: async (input) => ({ kind: 'json', value: await list(input.query) }),
  }),
]
