import { parentPort } from 'node:worker_threads'
import { ProviderFault } from '../provider.ts'
import { translate } from './translations.ts'
import type { TranslationAnswer, TranslationOrder } from './translator.ts'

/** A buffer arrives as plain bytes. */
const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)

const answer = ({ id, kind, model, setting, body, translation, ...facts }: TranslationOrder): TranslationAnswer => {
  try {
    const original = translation?.messages && {
      translation: { ...translation, messages: bytesOf(translation.messages) },
    }
    return { id, ...translate(kind, { ...facts, ...original, body: bytesOf(body) }, model, setting) }
  } catch (fault) {
    if (!(fault instanceof ProviderFault))
      return { id, code: 'internal_error', options: { upstreamStatus: 0, retry: 'never' } }
    const { cause: _cause, ...options } = fault.options
    return { id, code: fault.code, options: { ...options, upstreamStatus: fault.upstreamStatus, retry: fault.retry } }
  }
}

parentPort?.on('message', (order: TranslationOrder) => parentPort?.postMessage(answer(order)))
