import { createHash } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { Asker, ResponseHolder, ResponseRecord, ResponseStreams, StoredResponse } from './responses.ports.ts'
import { responseRoutes } from './responses.routes.ts'
import { createResponseStore, type FoundResponse, type ResponseName, type SealPort } from './responses.store.ts'

export interface ResponsesOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly clock: Clock
  readonly log: Log
  readonly streams: ResponseStreams
  /** How long responses are kept, asked anew each time. */
  readonly keepDays: () => number
}

/** Responses that are kept. */
export interface Responses extends Feature {
  /**
   * Items of a conversation up to a response, oldest first.
   * @throws AppError `response_not_found`, `response_in_progress`; a database's fault
   */
  readonly history: (asker: Asker, id: string) => Promise<readonly unknown[]>
  /** Keeps one response. */
  readonly record: (
    asker: Asker,
    made: { readonly id: string; readonly previousId: string | null; readonly input: readonly unknown[] },
  ) => ResponseRecord
}

const HOUR_MS = 3_600_000
/** A third of how long a run is believed without a sign. */
const HOLD_MS = 5_000
/** What was made is written again for so long when the database is away, with pauses that double. */
const TRIES = 8
const FIRST_PAUSE_MS = 500

/** Whose response it is. */
export const holderOf = ({ caller, user }: Asker): ResponseHolder => ({
  projectId: caller.projectId,
  keyId: caller.keyId,
  user,
})

const nameOf = (asker: Asker, id: string): ResponseName => ({
  project: asker.caller.projectId,
  id,
  holder: createHash('sha256')
    .update(JSON.stringify([asker.caller.keyId, asker.user]))
    .digest(),
})

/** A response whose replica is gone says so. */
const asFound = ({ response, run }: FoundResponse): StoredResponse => {
  if (run !== 'lost') return response
  const error = { code: 'stream_interrupted', message: 'The process that made this response has ended.' }
  return { ...response, status: 'failed', error }
}

/** Builds the memory of responses. */
export const createResponses = (options: ResponsesOptions): Responses => {
  const { clock, log, streams, keepDays } = options
  const store = createResponseStore(options.database, options.seal, prefixedId('run', clock.now()))
  const timers: { cancel(): void }[] = []
  let running = 0
  let isStopping = false
  /** Writes of what has ended. */
  const pending = new Set<Promise<boolean>>()

  const pause = (milliseconds: number) => new Promise<void>((resolve) => void clock.after(milliseconds, resolve))

  /** Tells whether it was written. */
  const persist = async (write: () => Promise<void>, tries: number, id: string): Promise<boolean> => {
    for (let attempt = 1; ; attempt++) {
      try {
        await write()
        return true
      } catch (error) {
        if (attempt >= tries || isStopping) {
          log.warn({ component: 'responses', id, error: error as Error }, 'A response could not be kept')
          return false
        }
        await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1))
      }
    }
  }

  const record: Responses['record'] = (asker, { id, previousId, input }) => {
    const name = nameOf(asker, id)
    const rowOf = (runs: boolean) => ({ subject: asker.user, previousId, runs, keepDays: keepDays() })
    let isBegun = false
    return {
      begin: async (response) => {
        await store.write(name, { response, input }, rowOf(true))
        isBegun = true
        running++
      },
      end: (response) => {
        // Who waits for the answer is not kept waiting; what nobody waits for has time.
        const written = persist(() => store.write(name, { response, input }, rowOf(false)), isBegun ? TRIES : 1, id)
        pending.add(written)
        return written.finally(() => {
          pending.delete(written)
          if (isBegun) running--
        })
      },
    }
  }

  const find = async (asker: Asker, id: string): Promise<FoundResponse> => {
    const found = await store.read(nameOf(asker, id))
    if (found === null) throw new AppError('response_not_found')
    return found
  }

  const conversation = async (asker: Asker, id: string): Promise<readonly FoundResponse[]> => {
    const turns = await store.conversation(nameOf(asker, id))
    // Something is missing at its beginning: a conversation with a hole is another conversation.
    if (turns.length === 0 || turns[0]?.previousId !== null) throw new AppError('response_not_found')
    return turns
  }

  const quietly = (work: Promise<unknown>, message: string): void => {
    work.catch((error: Error) => log.warn({ component: 'responses', error }, message))
  }
  const forget = async (): Promise<void> => {
    while (await store.forget());
  }

  return {
    name: 'responses',
    routes: responseRoutes({
      read: async (asker, id) => asFound(await find(asker, id)),
      input: async (asker, id) => {
        const turns = await conversation(asker, id)
        return turns.flatMap(({ input, response }, index) =>
          index < turns.length - 1 ? [...input, ...(response['output'] as unknown[])] : input,
        )
      },
      remove: async (asker, id) => {
        if (!(await store.remove(nameOf(asker, id)))) throw new AppError('response_not_found')
      },
      attach: (asker, id, after) => streams.attach(id, holderOf(asker), after),
      cancel: async (asker, id) => {
        const before = await find(asker, id)
        if (before.run !== 'running') return asFound(before)
        const stopped = await streams.cancel(id, holderOf(asker))
        const after = asFound(await find(asker, id))
        // What it has come to is on its way into the database.
        return stopped?.state === 'cancelled' && after.status === 'in_progress'
          ? { ...after, status: 'cancelled' }
          : after
      },
    }),
    history: async (asker, id) => {
      const turns = await conversation(asker, id)
      if (turns.some(({ run }) => run === 'running'))
        throw new AppError('response_in_progress', { retryAfterMs: 1_000 })
      return turns.flatMap(({ input, response }) => [...input, ...(response['output'] as unknown[])])
    },
    record,
    start: () => {
      timers.push(
        clock.every(HOLD_MS, () => {
          if (running > 0) quietly(store.hold(), 'Responses that are made could not be held')
        }),
        clock.every(HOUR_MS, () => quietly(forget(), 'Expired responses could not be deleted')),
      )
    },
    stop: async () => {
      isStopping = true
      for (const timer of timers) timer.cancel()
      await Promise.all(pending)
    },
  }
}
