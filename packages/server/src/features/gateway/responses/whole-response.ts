import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../../domain/exchange.ts'
import { addWarning } from '../../../domain/warning.ts'
import { prefixedId } from '../../../kernel/ids.ts'
import type { CallAnswer } from '../flow.ts'
import { translateCompletion } from './answer.ts'
import type { ResponseRequest } from './request.ts'
import { describeResponse, type ResponseObject } from './response.ts'

interface WholeResponsePorts {
  /** Keeps one response; null where it shall not be kept. */
  readonly keep: ((response: ResponseObject) => Promise<boolean>) | null
  readonly now: () => number
}

/** A whole answer as a response, kept where that is wanted; that it could not be is told as a warning. */
export const wholeResponse = async (
  { keep, now }: WholeResponsePorts,
  exchange: Exchange,
  { id, asked }: { readonly id: string; readonly asked: ResponseRequest },
  { answer, costUsd }: CallAnswer & { kind: 'json' },
): Promise<ResponseObject> => {
  if (costUsd !== null) exchange.headers[header.costUsd] = costUsd
  const seconds = Math.floor(now() / 1000)
  const nameItem = (prefix: string) => prefixedId(prefix, now())
  const response = describeResponse(id, seconds, asked)(translateCompletion(answer.body, nameItem, seconds))
  if (keep !== null && !(await keep(response))) addWarning(exchange.headers, 'The response could not be stored')
  return response
}
