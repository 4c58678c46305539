import { parentPort } from 'node:worker_threads'
import type { Operation } from '../../domain/inference.ts'
import { AppError } from '../../kernel/errors.ts'
import { readInferenceRequest } from './openai-wire.ts'

parentPort?.on('message', ({ id, operation, memory }: { id: number; operation: Operation; memory: ArrayBuffer }) => {
  try {
    const { body: _body, ...request } = readInferenceRequest(operation, Buffer.from(memory))
    parentPort?.postMessage({ id, request, body: memory }, [memory])
  } catch (fault) {
    const known = fault instanceof AppError ? fault : new AppError('internal_error')
    const { cause: _cause, ...options } = known.options
    parentPort?.postMessage({ id, code: known.code, options: { ...options, detail: known.message } })
  }
})
