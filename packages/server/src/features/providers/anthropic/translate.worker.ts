import { parentPort } from 'node:worker_threads'
import { ProviderFault } from '../provider.ts'
import { translateRequest } from './request.ts'
import type { TranslationAnswer, TranslationOrder } from './translator.ts'

const answer = ({ id, model, setting, body, ...facts }: TranslationOrder): TranslationAnswer => {
  try {
    // A buffer arrives as plain bytes.
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    return { id, ...translateRequest({ ...facts, body: bytes }, model, setting) }
  } catch (fault) {
    if (!(fault instanceof ProviderFault))
      return { id, code: 'internal_error', options: { upstreamStatus: 0, retry: 'never' } }
    const { cause: _cause, ...options } = fault.options
    return { id, code: fault.code, options: { ...options, upstreamStatus: fault.upstreamStatus, retry: fault.retry } }
  }
}

parentPort?.on('message', (order: TranslationOrder) => parentPort?.postMessage(answer(order)))
