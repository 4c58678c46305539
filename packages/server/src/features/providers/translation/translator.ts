import { Worker } from 'node:worker_threads'
import { AppError } from '../../../kernel/errors.ts'
import { ProviderFault, type ProviderFaultOptions } from '../provider.ts'
import type { TranslatableRequest, TranslatedRequest } from './translated-request.ts'
import { type SettingOf, type Translation, translate } from './translations.ts'

/** Larger bodies are translated beside the event loop: eight megabytes take tens of milliseconds, which every stream would feel. */
const INLINE_BYTES = 1_048_576

/** What the worker is asked. */
export interface TranslationOrder extends TranslatableRequest {
  readonly id: number
  readonly kind: Translation
  readonly model: string
  readonly setting: unknown
}

/** What the worker answers. */
export type TranslationAnswer =
  | { readonly id: number; readonly body: Uint8Array; readonly warning: string | null }
  | { readonly id: number; readonly code: AppError['code']; readonly options: ProviderFaultOptions }

interface Waiting {
  readonly resolve: (translated: TranslatedRequest) => void
  readonly reject: (fault: Error) => void
}

/** Translates requests for one kind of provider: small bodies in place, large ones in a worker that is started when first needed. */
export const createTranslator = <Kind extends Translation>(kind: Kind) => {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let next = 0

  const fail = (failed: Worker, cause: unknown): void => {
    if (worker !== failed) return
    worker = null
    for (const { reject } of waiting.values()) reject(new AppError('internal_error', { cause }))
    waiting.clear()
  }

  const take = (answer: TranslationAnswer): void => {
    const entry = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('code' in answer) entry?.reject(new ProviderFault(answer.code, answer.options))
    else {
      const { buffer, byteOffset, byteLength } = answer.body
      entry?.resolve({ body: Buffer.from(buffer, byteOffset, byteLength), warning: answer.warning })
    }
  }

  const start = (): Worker => {
    const started = new Worker(new URL('./translate.worker.ts', import.meta.url))
    started.unref()
    started.on('message', take)
    started.on('error', (cause) => fail(started, cause))
    started.on('exit', () => fail(started, new Error('The worker ended')))
    return started
  }

  return {
    /** @throws ProviderFault for what cannot be translated. */
    translate: (
      request: TranslatableRequest,
      model: string,
      setting: SettingOf<Kind>,
    ): TranslatedRequest | Promise<TranslatedRequest> => {
      if (request.body.length <= INLINE_BYTES) return translate(kind, request, model, setting)
      return new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        worker ??= start()
        const { body, stream, maxOutputTokens, translation } = request
        const order: TranslationOrder = {
          id,
          kind,
          body,
          stream,
          maxOutputTokens,
          ...(translation && { translation }),
          model,
          setting,
        }
        // The body is copied, not handed over: a further try may need it.
        worker.postMessage(order)
      })
    },
    /** Ends the worker where it has nothing to do; the next large body starts another. */
    rest: (): void => {
      if (waiting.size > 0 || worker === null) return
      void worker.terminate()
      worker = null
    },
    stop: async (): Promise<void> => {
      await worker?.terminate()
    },
  }
}
