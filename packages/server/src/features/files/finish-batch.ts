import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { readLine } from './batch-lines.ts'
import type { BatchRunStore, HeldBatch } from './batch-runs.store.ts'
import type { FileStore } from './files.store.ts'

/** Lines whose answers are read at once. */
const PAGE_LINES = 100

type Lines = AsyncIterable<{ readonly number: number; readonly bytes: Buffer }>

/** Why lines are left that were not called. */
export type EndOfLines = 'cancelled' | 'expired' | 'lost' | 'leaving'

/** Writes the files of a batch and ends it, all or nothing. */
export type FinishBatch = (
  batch: HeldBatch,
  /** Null where they were never read. */
  lines: Lines | null,
  end: EndOfLines | null,
) => Promise<void>

interface FinishOptions {
  readonly database: Database
  readonly files: FileStore
  readonly runs: BatchRunStore
  readonly newFileId: () => string
}

interface Tally {
  completed: number
  failed: number
}

const notCalled = (customId: string, code: ErrorCode): string => {
  const { message } = new AppError(code)
  return JSON.stringify({ id: null, custom_id: customId, response: null, error: { code, message } })
}

export const createFinishBatch = ({ database, files, runs, newFileId }: FinishOptions): FinishBatch => {
  /** The lines in their order, each with what became of it. */
  const outcomes = async function* (transaction: Transaction, batch: HeldBatch, lines: Lines, rest: ErrorCode) {
    const page: { readonly number: number; readonly bytes: Buffer }[] = []
    const told = async function* () {
      const [first, last] = [page[0], page.at(-1)]
      if (!first || !last) return
      const found = await runs.outcomes(transaction, batch, first.number, last.number)
      for (const { number, bytes } of page) {
        const { succeeded = false, text = null } = found.get(number) ?? {}
        if (text !== null) yield { succeeded, text, isMissed: false }
        else {
          const { customId } = readLine(number, bytes, batch.endpoint)
          const isMissed = !found.has(number)
          const code = isMissed ? rest : 'batch_interrupted'
          yield { succeeded: false, text: notCalled(customId, code), isMissed }
        }
      }
      page.length = 0
    }
    for await (const line of lines) {
      page.push(line)
      if (page.length >= PAGE_LINES) yield* told()
    }
    yield* told()
  }

  return async (batch, lines, end) => {
    const isCancelled = end === 'cancelled' || batch.status === 'cancelling'
    await database.transaction({ project: batch.projectId }, async (transaction) => {
      const tally: Tally = { completed: 0, failed: 0 }
      const rest = isCancelled ? 'batch_cancelled' : 'batch_expired'
      let missed = 0
      const errors: Buffer[] = []
      const succeeded = async function* () {
        if (lines === null) return
        for await (const { succeeded: isGood, text, isMissed } of outcomes(transaction, batch, lines, rest)) {
          const bytes = Buffer.from(`${text}\n`)
          if (isGood) {
            tally.completed += 1
            yield bytes
          } else {
            tally.failed += 1
            if (isMissed) missed += 1
            errors.push(bytes)
          }
        }
      }
      const { projectId, keyId, id, outputSeconds } = batch
      const write = async (name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> => {
        const file = { projectId, keyId, id: newFileId(), purpose: 'batch_output', name, keepSeconds: outputSeconds }
        await files.write(transaction, file, chunks)
        return file.id
      }
      const output = await write(`${id}_output.jsonl`, succeeded())
      if (tally.completed === 0)
        await transaction.execute('DELETE FROM headgate.files WHERE project_id = $1 AND file_id = $2', [
          ...[projectId, output],
        ])
      const error = errors.length === 0 ? null : await write(`${id}_error.jsonl`, errors)
      await runs.finish(transaction, batch, {
        status: isCancelled ? 'cancelled' : lines === null || missed > 0 ? 'expired' : 'completed',
        output: tally.completed === 0 ? null : output,
        error,
        ...tally,
      })
    })
  }
}
