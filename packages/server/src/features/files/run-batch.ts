import { errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Cancellation } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { type BatchLine, checkLines, readLine, splitLines } from './batch-lines.ts'
import type { BatchRunStore, HeldBatch } from './batch-runs.store.ts'
import type { BatchBounds, BatchPorts, LineAnswer } from './files.ports.ts'
import type { FileStore } from './files.store.ts'
import type { EndOfLines, FinishBatch } from './finish-batch.ts'

/** A third of how long a run holds its batch without a sign. */
const HOLD_MS = 5_000
/** How often what could not be kept is tried again, and how often a refused line. */
const AGAIN_MS = 1_000
const MOST_WAIT_MS = 30_000

export interface RunBatchOptions extends BatchPorts {
  readonly clock: Clock
  readonly log: Log
  readonly files: FileStore
  readonly runs: BatchRunStore
  readonly finish: FinishBatch
  readonly bounds: () => BatchBounds
}

const passing = new Set([429, 503])

/** Whether a refusal passes by itself: limits of the moment and what is away, before any provider was asked. */
const passes = (answer: LineAnswer): answer is LineAnswer & { kind: 'fault' } =>
  answer.kind === 'fault' &&
  !answer.wasTried &&
  passing.has(answer.fault.status) &&
  errorCatalogue[answer.fault.code].type !== 'insufficient_quota'

const lineOf = ({ customId }: BatchLine, answer: LineAnswer): string => {
  const { requestId } = answer
  const body = answer.kind === 'answer' ? answer.body : JSON.stringify(answer.body)
  const status = answer.kind === 'answer' ? 200 : answer.fault.status
  const head = JSON.stringify({ id: `batch_${requestId}`, custom_id: customId })
  const response = `{"status_code":${status},"request_id":${JSON.stringify(requestId)},"body":${body}}`
  return `${head.slice(0, -1)},"response":${response},"error":null}`
}

/** How a run stands. */
interface State {
  /** Why no further line begins. */
  end: EndOfLines | null
  /** Who calls, or why nobody may. */
  caller: Caller | AppError | null
}

/** Works on one batch until it has ended, another run has it, or `stop` says so. */
export const createRunBatch = (options: RunBatchOptions) => {
  const { clock, log, files, runs, bounds, isDraining } = options

  return async (batch: HeldBatch, stop: Cancellation): Promise<void> => {
    const state: State = { end: null, caller: null }

    const pause = (milliseconds: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = clock.after(milliseconds, done)
        function done(): void {
          timer.cancel()
          stop.removeEventListener('abort', done)
          resolve()
        }
        stop.addEventListener('abort', done)
      })
    const look = async (): Promise<void> => {
      const standing = await runs.hold(batch)
      if (standing === null) state.end = 'lost'
      else if (standing.status === 'cancelling') state.end ??= 'cancelled'
      else if (standing.is_over) state.end ??= 'expired'
      // Asked anew: a key may be revoked meanwhile.
      state.caller = await options.callerOf(batch.keyId).then(
        (found) => Object.freeze({ ...found, isBackground: true as const }),
        (fault: unknown) => (fault instanceof AppError && fault.status < 500 ? fault : state.caller),
      )
    }
    const mayGoOn = (): boolean => {
      if (stop.aborted || isDraining()) state.end ??= 'leaving'
      return state.end === null
    }

    const askOnce = async (line: BatchLine): Promise<LineAnswer> => {
      const holder = state.caller
      const { user, endpoint } = batch
      if (holder !== null && !(holder instanceof AppError))
        return options.call({ caller: holder, user, endpoint, body: line.body, signal: stop })
      const fault = holder ?? new AppError('database_unavailable')
      return { kind: 'fault', requestId: '', fault, wasTried: false, body: { error: { code: fault.code } } }
    }
    /** What became of a line is kept however long it takes, as long as the batch is held. */
    const keep = async (line: BatchLine, answer: LineAnswer): Promise<void> => {
      for (;;) {
        try {
          return await runs.endLine(batch, line.number, answer.kind === 'answer', lineOf(line, answer))
        } catch (error) {
          log.warn(
            { component: 'files', error: error as Error },
            'The answer to a line of a batch could not be kept yet',
          )
          if (stop.aborted || state.end === 'lost') return
          await pause(AGAIN_MS)
        }
      }
    }
    const runLine = async (line: BatchLine): Promise<void> => {
      while (mayGoOn()) {
        let wait = AGAIN_MS
        try {
          const holder = state.caller
          if (holder !== null && !(holder instanceof AppError)) options.mayCall(holder)
          if (!(await runs.startLine(batch, line.number))) {
            await look()
            if (state.end === null) return
            continue
          }
          const answer = await askOnce(line)
          if (!passes(answer)) return await keep(line, answer)
          wait = Math.min(MOST_WAIT_MS, answer.fault.options.retryAfterMs ?? AGAIN_MS)
          await runs.dropLine(batch, line.number)
        } catch (fault) {
          if (!(fault instanceof AppError)) throw fault
          wait = fault.options.retryAfterMs ?? AGAIN_MS
        }
        await pause(wait)
      }
    }

    const lines = async function* () {
      const input = await files.get(batch.projectId, batch.inputFileId)
      if (input === null) throw new AppError('file_not_found')
      yield* splitLines(files.pieces(batch.projectId, input), bounds().maxLineBytes)
    }

    const callLines = async (): Promise<void> => {
      const called = await runs.called(batch)
      const underWay = new Set<Promise<void>>()
      const faults: unknown[] = []
      for await (const { number, bytes } of lines()) {
        if (faults.length > 0 || !mayGoOn()) break
        if (called.has(number)) continue
        const one: Promise<void> = runLine(readLine(number, bytes, batch.endpoint))
          .catch((fault: unknown) => void faults.push(fault))
          .finally(() => underWay.delete(one))
        underWay.add(one)
        if (underWay.size >= bounds().concurrency) await Promise.race(underWay)
      }
      await Promise.all(underWay)
      if (faults.length > 0) throw faults[0]
    }

    const quietly = (work: Promise<void>): Promise<void> =>
      work.catch((error: Error) => log.warn({ component: 'files', error }, 'A batch could not be held'))
    const heart = clock.every(HOLD_MS, () => void quietly(look()))
    try {
      await look()
      let { status } = batch
      let isRead = batch.total > 0
      if (status === 'validating' && mayGoOn()) {
        const { total, faults } = await checkLines(lines(), batch.endpoint, bounds().maxLines)
        if (faults.length > 0) return await runs.fail(batch, faults)
        if (await runs.begin(batch, total)) status = 'in_progress'
        isRead = true
        await look()
      }
      if (status === 'in_progress') await callLines()
      if (state.end === 'lost') return
      if (state.end === 'leaving') return await runs.letGo(batch)
      await runs.finalizing(batch)
      await options.finish(batch, isRead ? lines() : null, state.end)
    } finally {
      heart.cancel()
    }
  }
}
