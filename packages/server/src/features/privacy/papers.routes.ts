import { ProcessingRecordSchema } from '@headgate/contract/privacy.ts'
import { DpiaSchema, type PaperQuery, PaperQuerySchema } from '@headgate/contract/privacy-dpia.ts'
import { Type } from 'typebox'
import { defineRoute, type Reply, type Route } from '../../kernel/route.ts'
import type { TableMap } from './data-map.ts'
import { type DpiaFacts, dpia } from './dpia.ts'
import { dpiaPage, recordPage } from './papers.ts'
import { processingRecord } from './processing-record.ts'

const otherTypes = { 'text/markdown': Type.String({ description: 'The same as a page.' }) }

const written = <Paper>(query: unknown, paper: Paper, page: (paper: Paper) => string): Reply =>
  (query as PaperQuery).format === 'markdown'
    ? { kind: 'bytes', contentType: 'text/markdown; charset=utf-8', bytes: page(paper) }
    : { kind: 'json', value: paper }

/** What the law wants written down, made of the schema and the configuration. */
export const paperRoutes = (map: Readonly<Record<string, TableMap>>, facts: () => DpiaFacts): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/processing-record',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'The record of processing activities, as far as the schema and the configuration say it.',
    query: PaperQuerySchema,
    reference: { operationId: 'getProcessingRecord', tag: 'Privacy', answer: ProcessingRecordSchema, otherTypes },
    handle: async ({ query }) => written(query, processingRecord(map, facts()), recordPage),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/dpia',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'The data of a data protection impact assessment: what is done, safeguards, and risks for you to weigh.',
    query: PaperQuerySchema,
    reference: { operationId: 'getDpia', tag: 'Privacy', answer: DpiaSchema, otherTypes },
    handle: async ({ query }) => written(query, dpia(map, facts()), dpiaPage),
  }),
]
