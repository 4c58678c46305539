import {
  BatchListQuerySchema,
  type BatchListQuery,
  BatchListSchema,
  BatchPathSchema,
  BatchSchema,
  type CreateBatch,
  CreateBatchSchema,
} from '@headgate/contract/files.ts'
import { type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { BatchStore } from './batches.store.ts'
import { listView, pageOf } from './files.routes.ts'
import type { FileBounds } from './files.ports.ts'

interface BatchRoutesOptions {
  readonly store: BatchStore
  readonly bounds: () => FileBounds
  readonly newId: () => string
  /** Told that there is a new one. */
  readonly onCreated: () => void
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 }
const secondsOf = (window: string): number => Number(window.slice(0, -1)) * (unitSeconds[window.slice(-1)] as number)

/** `/v1/batches`, as OpenAI has it. */
export const batchRoutes = ({ store, bounds, newId, onCreated }: BatchRoutesOptions): Route[] => {
  const idOf = ({ params }: CallerInput): string => params['batch_id'] as string
  const projectOf = ({ exchange }: CallerInput): string => exchange.caller.projectId
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/batches',
      summary: 'Makes the calls of a file, behind live ones.',
      access: 'caller',
      body: CreateBatchSchema,
      reference: {
        operationId: 'createBatch',
        tag: 'Batches',
        description:
          'Each line of the input file is `{"custom_id", "method": "POST", "url", "body"}` and becomes a call like any other: routes, limits, ' +
          'budgets and the ledger apply, for any provider. Calls wait where limits say so and go behind those of live callers. A line is ' +
          'called once: where the process that called it is lost, it stands in the error file as `batch_interrupted`.',
        answer: BatchSchema,
        errors: ['file_not_found'],
      },
      handle: async (input) => {
        const { caller, user } = input.exchange
        const { completion_window: completionWindow, metadata, ...asked } = input.body as CreateBatch
        const made = await store.create({
          projectId: caller.projectId,
          keyId: caller.keyId,
          user,
          id: newId(),
          endpoint: asked.endpoint,
          inputFileId: asked.input_file_id,
          completionWindow,
          windowSeconds: secondsOf(completionWindow),
          outputSeconds: asked.output_expires_after?.seconds ?? bounds().outputSeconds,
          metadata: metadata ?? null,
        })
        onCreated()
        return { kind: 'json', value: made }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/batches',
      summary: 'Lists the batches of the project, the newest first.',
      access: 'caller',
      query: BatchListQuerySchema,
      reference: { operationId: 'listBatches', tag: 'Batches', answer: BatchListSchema },
      handle: async (input) => {
        const { after, ...rest } = input.query as BatchListQuery
        const limit = pageOf(rest)
        return { kind: 'json', value: listView(await store.list(projectOf(input), after, limit + 1), limit) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/batches/:batch_id',
      summary: 'Tells how a batch stands.',
      access: 'caller',
      reference: {
        operationId: 'getBatch',
        tag: 'Batches',
        params: BatchPathSchema,
        answer: BatchSchema,
        errors: ['batch_not_found'],
      },
      handle: async (input) => ({ kind: 'json', value: await store.get(projectOf(input), idOf(input)) }),
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/batches/:batch_id/cancel',
      summary: 'Ends a batch: no further line is called.',
      access: 'caller',
      reference: {
        operationId: 'cancelBatch',
        tag: 'Batches',
        description:
          'Calls that are under way come to their end; what was called stands in the output and error files, the other lines as `batch_cancelled`.',
        params: BatchPathSchema,
        answer: BatchSchema,
        errors: ['batch_not_found', 'batch_ended'],
      },
      handle: async (input) => ({ kind: 'json', value: await store.cancel(projectOf(input), idOf(input)) }),
    }),
  ]
}
