import { parentPort } from 'node:worker_threads'
import { AppError } from '../../kernel/errors.ts'
import { ownMemory } from './large-body.ts'
import { readRequest, type Wire } from './read-request.ts'

parentPort?.on('message', ({ id, wire, memory }: { id: number; wire: Wire; memory: ArrayBuffer }) => {
  try {
    const { body, translation, ...request } = readRequest(wire, Buffer.from(memory))
    if (translation === undefined) parentPort?.postMessage({ id, request, body: memory }, [memory])
    else {
      const { messages, ...rest } = translation
      const translated = ownMemory(body)
      const answer = { id, request: { ...request, translation: rest }, body: translated }
      if (messages === undefined) parentPort?.postMessage(answer, [translated])
      else parentPort?.postMessage({ ...answer, messages: memory }, [translated, memory])
    }
  } catch (fault) {
    const known = fault instanceof AppError ? fault : new AppError('internal_error')
    const { cause: _cause, ...options } = known.options
    parentPort?.postMessage({ id, code: known.code, options: { ...options, detail: known.message } })
  }
})
