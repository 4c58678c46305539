import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { JsonAnswer, StreamSource } from '../../domain/upstream.ts'
import type { createFlow } from './flow.ts'

/** Looks at one answer. */
interface Inspection {
  /** @throws AppError `answer_blocked`, or `content_not_judged` where nobody can tell */
  readonly whole: (answer: JsonAnswer) => Promise<void>
  readonly stream: (source: StreamSource) => StreamSource
}

/** Nothing where an answer need not be looked at. @throws AppError `invalid_parameter` */
export type Inspect = (exchange: Exchange, request: InferenceRequest) => Inspection | undefined

type Call = ReturnType<typeof createFlow>

/** The same call, whose answer is looked at where that is wanted, once it is settled or as it comes. What was made is charged either way. */
export const createCheckedCall = (call: Call, inspect: Inspect | null): Call => {
  if (inspect === null) return call
  return async (exchange, asked, signal, without) => {
    const inspection = inspect(exchange, asked)
    const made = await call(exchange, asked, signal, without)
    if (inspection === undefined || made.kind === 'binary') return made
    if (made.kind === 'events') return { ...made, source: inspection.stream(made.source) }
    if (made.costUsd !== null) exchange.headers[header.costUsd] = made.costUsd
    await inspection.whole(made.answer)
    return made
  }
}
