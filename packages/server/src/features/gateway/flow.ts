import { header } from '@headgate/contract/headers.ts'
import type { Recording } from '../../domain/cached-answer.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { BinarySource, JsonAnswer, StreamSource } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Account } from './account.ts'
import type { Admitted, FlowPorts, StreamEnd } from './gateway.ports.ts'

/** What a call answers: a whole body, or a stream that settles itself. */
export type CallAnswer =
  | { readonly kind: 'json'; readonly answer: JsonAnswer; readonly costUsd: string | null }
  | { readonly kind: 'events'; readonly source: StreamSource }
  | { readonly kind: 'binary'; readonly source: BinarySource }

const nothing = (): void => {}
const endRecording = ({ keep, drop }: Recording, { outcome }: StreamEnd): void =>
  outcome === 'complete' ? keep() : drop()

/** @throws AppError `upstream_truncated` where there is no other. */
const others = (targets: readonly Target[], without: string): readonly Target[] => {
  const found = targets.filter(({ name }) => name !== without)
  if (found.length === 0) throw new AppError('upstream_truncated')
  return found
}

/** The product in one sentence. */
export const createFlow =
  (stage: FlowPorts, openAccount: (exchange: Exchange, admitted: Admitted) => Account, monotonic: () => number) =>
  async (
    exchange: Exchange,
    asked: InferenceRequest,
    signal: CancelSignal,
    /** A target that shall not be tried. */
    without?: string,
  ): Promise<CallAnswer> => {
    const { walk } = exchange
    const choice = await stage.route(exchange, asked) // where the model can be called, in order of tries
    const { reason } = choice
    const targets = without === undefined ? choice.targets : others(choice.targets, without)
    if (reason !== null) exchange.headers[header.route] = reason
    const judged = stage.judge(exchange, asked, targets, signal) // what may be asked for, and what of it may leave
    const passed = judged === undefined ? asked : await judged
    walk.routedAt = monotonic()
    const admitted = await stage.admit(exchange, passed, targets) // limits, then the worst case held against the budget
    walk.admittedAt = monotonic()
    const { request, hold } = admitted
    const account = openAccount(exchange, admitted)
    let release = nothing
    try {
      const answer = await (exchange.cache === undefined
        ? stage.call(targets, request, exchange, signal) // waits for a place, falls back until the first part
        : stage.recall(targets, request, exchange, exchange.cache, signal)) // or was answered before
      account.answered(answer)
      if (answer.kind === 'json') return { kind: 'json', answer, costUsd: await account.complete(answer) }
      release = answer.release
      const source = stage.relay({
        answer,
        request,
        requestId: exchange.requestId,
        startedAt: account.startedAt,
        mark: (outputTokens) => hold.mark(outputTokens),
        settle: (end) => {
          answer.release()
          if (answer.recording !== undefined) endRecording(answer.recording, end)
          return account.ended(end)
        },
      })
      if (answer.kind === 'binary')
        return { kind: 'binary', source: Object.assign(source, { contentType: answer.contentType }) }
      return { kind: 'events', source }
    } catch (fault) {
      release()
      await account.failed(fault)
      throw fault
    }
  }
