import {
  InputItemsQuerySchema,
  InputItemsSchema,
  ResponseDeletedSchema,
  ResponseEventSchema,
  ResponsePathSchema,
  ResponseQuerySchema,
  ResponseSchema,
} from '@headgate/contract/responses.ts'
import type { StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import { type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Asker, StoredResponse } from './responses.ports.ts'

/** What the routes need. All throw AppError `response_not_found` for what is not there, or another's. */
export interface ResponseRoutePorts {
  readonly read: (asker: Asker, id: string) => Promise<StoredResponse>
  /** Items of the whole conversation that the response was made from, oldest first. */
  readonly input: (asker: Asker, id: string) => Promise<readonly unknown[]>
  readonly remove: (asker: Asker, id: string) => Promise<void>
  readonly attach: (asker: Asker, id: string, after: number) => Promise<StreamSource | 'over' | null>
  readonly cancel: (asker: Asker, id: string) => Promise<StoredResponse>
}

const USUAL_ITEMS = 20

const idOf = ({ params }: CallerInput): string => params['response_id'] as string

/** Items of a caller need no id; one by their place is as good. */
const withIds = (items: readonly unknown[]): readonly { readonly id: string }[] =>
  items.map((item, index) => ({ id: `item_${index}`, type: 'message', ...(item as object) }))

/** Declares the routes of responses that are kept. */
export const responseRoutes = ({ read, input, remove, attach, cancel }: ResponseRoutePorts): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/v1/responses/:response_id',
    summary: 'Reads a response that is kept, or the events of one.',
    access: 'caller',
    browser: true,
    query: ResponseQuerySchema,
    reference: {
      operationId: 'getResponse',
      tag: 'Responses',
      description:
        'With `stream=true` its events after `starting_after`, as they come: of a response that runs in the background, or whose stream was kept, for ' +
        'as long as `resume.keep_minutes` says. Only who asked for it can read it, with the same key and for the same user. Nothing is charged.',
      params: ResponsePathSchema,
      answer: ResponseSchema,
      events: ResponseEventSchema,
      otherAnswers: { 204: { description: 'The stream has ended and the reader has all of it.' } },
      errors: ['response_not_found', 'stream_not_found', 'streams_unavailable'],
    },
    handle: async (given) => {
      const { query, exchange } = given
      const id = idOf(given)
      if (query['stream'] !== 'true') return { kind: 'json', value: await read(exchange, id) }
      const { starting_after: after } = query as { starting_after?: string }
      // Events count from 0, what is kept of them from 1.
      const source = await attach(exchange, id, after === undefined ? 0 : Number(after) + 1)
      if (source === 'over') return { kind: 'bytes', status: 204, contentType: 'text/event-stream', bytes: '' }
      if (source !== null) return { kind: 'events', stream: Promise.resolve(source) }
      await read(exchange, id)
      throw new AppError('stream_not_found')
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/v1/responses/:response_id',
    summary: 'Deletes a response that is kept.',
    access: 'caller',
    browser: true,
    reference: {
      operationId: 'deleteResponse',
      tag: 'Responses',
      description: 'A conversation cannot go on from it, nor from those that went on from it.',
      params: ResponsePathSchema,
      answer: ResponseDeletedSchema,
      errors: ['response_not_found'],
    },
    handle: async (given) => {
      const id = idOf(given)
      await remove(given.exchange, id)
      return { kind: 'json', value: { id, object: 'response', deleted: true } }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/responses/:response_id/cancel',
    summary: 'Ends a response that runs in the background, wherever it runs.',
    access: 'caller',
    browser: true,
    reference: {
      operationId: 'cancelResponse',
      tag: 'Responses',
      description:
        'What has come so far is kept. A response that has ended stays as it is, so that a second cancel is harmless.',
      params: ResponsePathSchema,
      answer: ResponseSchema,
      errors: ['response_not_found', 'streams_unavailable'],
    },
    handle: async (given) => ({ kind: 'json', value: await cancel(given.exchange, idOf(given)) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/responses/:response_id/input_items',
    summary: 'Lists what a response was made from, the conversation before it included.',
    access: 'caller',
    browser: true,
    query: InputItemsQuerySchema,
    reference: {
      operationId: 'listResponseInput',
      tag: 'Responses',
      params: ResponsePathSchema,
      answer: InputItemsSchema,
      errors: ['response_not_found'],
    },
    handle: async (given) => {
      const { limit, order, after } = given.query as { limit?: string; order?: 'asc' | 'desc'; after?: string }
      const items = [...withIds(await input(given.exchange, idOf(given)))]
      if (order !== 'asc') items.reverse()
      const from = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1
      const data = items.slice(from, from + Number(limit ?? USUAL_ITEMS))
      const value = {
        object: 'list',
        data,
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
        has_more: from + data.length < items.length,
      }
      return { kind: 'json', value }
    },
  }),
]
