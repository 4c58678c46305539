import { ModelEntry, ModelList, ModelPathSchema } from '@headgate/contract/models.ts'
import type { Caller } from '../../domain/caller.ts'
import { AppError } from '../../kernel/errors.ts'
import { type Route, defineRoute } from '../../kernel/route.ts'
import type { CatalogEntry } from './catalog.ts'

/** What the routes ask of routing. */
export interface ModelsPort {
  /** All that this caller may use, by name. */
  list(caller: Caller): Promise<readonly CatalogEntry[]>
  /** One of them, by full or bare name. @throws AppError `model_not_found` or `model_not_allowed`. */
  find(caller: Caller, model: string): Promise<CatalogEntry>
}

const present = ({ target, created }: CatalogEntry): ModelEntry => ({
  id: target.name,
  object: 'model',
  created: created ?? 0,
  owned_by: target.provider,
  headgate: {
    provider: target.provider,
    model: target.model,
    operations: [...target.operations],
    context_tokens: target.contextTokens,
    max_output_tokens: target.maxOutputTokens,
  },
})

/** `GET /v1/models` and one model; names contain slashes, so the path takes the rest as it is. */
export const modelRoutes = (models: ModelsPort): readonly Route[] => [
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
      errors: ['model_not_found', 'model_not_allowed'],
    },
    handle: async ({ exchange, params }) => {
      const name = params['*'] ?? ''
      if (name === '' || name.length > 512) throw new AppError('model_not_found')
      return { kind: 'json', value: present(await models.find(exchange.caller, name)) }
    },
  }),
]
