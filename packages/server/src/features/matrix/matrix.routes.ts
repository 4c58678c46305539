import { header } from '@headgate/contract/headers.ts'
import {
  MatrixList,
  type MatrixQuery,
  MatrixQuerySchema,
  ModelEntry,
  ModelList,
  ModelPathSchema,
} from '@headgate/contract/models.ts'
import { Type } from 'typebox'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../kernel/errors.ts'
import { type Route, defineRoute } from '../../kernel/route.ts'
import { type Described, presentFacts, presentRow } from './presentation.ts'
import { modelsAsCsv } from './table.ts'

interface DescribedEntry extends Described {
  /** Seconds since the epoch; null when unknown. */
  readonly created: number | null
}

/** What the routes ask of the matrix. */
export interface ModelsPort {
  /** All that this caller may use, by name. */
  list(caller: Caller): Promise<readonly DescribedEntry[]>
  /** One of them, by full or bare name. @throws AppError `model_not_found`, `model_not_allowed` or `licence_not_allowed`. */
  find(caller: Caller, model: string): Promise<DescribedEntry>
  /** So many of all models, by name, from after one of them on. */
  page(after: string | null, limit: number): Promise<{ models: readonly Described[]; hasMore: boolean }>
}

const PAGE = 100

const present = (entry: DescribedEntry): ModelEntry => ({
  id: entry.target.name,
  object: 'model',
  created: entry.created ?? 0,
  owned_by: entry.target.provider,
  headgate: presentFacts(entry),
})

const nextPage = (limit: number, after: string): string =>
  `</admin/v1/models?${new URLSearchParams({ format: 'csv', limit: String(limit), after }).toString()}>; rel="next"`

/** `GET /v1/models` and one model (names contain slashes, so the path takes the rest as it is), and all of them for operators. */
export const matrixRoutes = (models: ModelsPort): readonly Route[] => [
  defineRoute({
    method: 'GET',
    path: '/v1/models',
    access: 'caller',
    browser: true,
    summary: 'Lists the models that the key may call.',
    reference: { operationId: 'listModels', tag: 'Models', answer: ModelList },
    handle: async ({ exchange }) => {
      const entries = await models.list(exchange.caller)
      const value: ModelList = { object: 'list', data: entries.map(present), has_more: false, next_cursor: null }
      return { kind: 'json', value }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/models/*',
    access: 'caller',
    browser: true,
    summary: 'Shows one model, by its name `provider/model`.',
    reference: {
      operationId: 'getModel',
      tag: 'Models',
      params: ModelPathSchema,
      answer: ModelEntry,
      errors: ['model_not_found', 'model_not_allowed', 'licence_not_allowed'],
    },
    handle: async ({ exchange, params }) => {
      const name = params['*'] ?? ''
      if (name === '' || name.length > 512) throw new AppError('model_not_found')
      return { kind: 'json', value: present(await models.find(exchange.caller, name)) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/models',
    access: 'admin',
    permission: 'providers:read',
    summary: 'Lists all models: what they can, may and cost, and how fast they were.',
    query: MatrixQuerySchema,
    reference: {
      operationId: 'listAllModels',
      tag: 'Models',
      answer: MatrixList,
      otherTypes: { 'text/csv': Type.String({ description: 'The same as a table, the names of its columns first.' }) },
      answerHeaders: [header.link],
    },
    handle: async ({ query: raw }) => {
      const query = raw as MatrixQuery
      const limit = Number(query.limit ?? PAGE)
      const page = await models.page(query.after ?? null, limit)
      const data = page.models.map(presentRow)
      const next = page.hasMore ? (data.at(-1)?.id ?? null) : null
      if (query.format === 'csv') {
        const headers = next === null ? {} : { [header.link]: nextPage(limit, next) }
        return {
          kind: 'bytes',
          contentType: 'text/csv; charset=utf-8; header=present',
          bytes: modelsAsCsv(data),
          headers,
        }
      }
      const value: MatrixList = { object: 'list', data, has_more: page.hasMore, next_cursor: next }
      return { kind: 'json', value }
    },
  }),
]
