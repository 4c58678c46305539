import type { Caller } from '../../domain/caller.ts'
import { Cancellation, type CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { AllowsPort, Asker, MemoryOwner, NewMemory, SpokenLine } from './memories.ports.ts'
import type { MemoryService } from './memories.service.ts'
import type { MemoryStore } from './memories.store.ts'
import type { ExtractionRow, ExtractionStore } from './memory-extractions.store.ts'
import { questionOf, readLearned } from './memory-learned.ts'

/** What learning from sessions needs of the house. */
export interface ExtractionPorts {
  /** The model that reads sessions; null where none is configured. */
  readonly model: () => string | null
  /** Whether what is learned is remembered without being asked for. */
  readonly acceptsAll: () => boolean
  /** What was said in the active branch of a session, the first first. @throws AppError `session_not_found` */
  readonly transcript: (owner: MemoryOwner, sessionId: string) => Promise<readonly SpokenLine[]>
  /** @throws AppError where the key may not call any more. */
  readonly callerOf: (keyId: string) => Promise<Caller>
  /** A chat call of the house’s own, on the account of a caller. @throws AppError */
  readonly ask: (call: {
    readonly caller: Caller
    readonly user: string | null
    readonly body: Buffer
    readonly signal: CancelSignal
  }) => Promise<Buffer>
}

interface ExtractionOptions extends ExtractionPorts {
  readonly allows: AllowsPort
  readonly store: MemoryStore
  readonly service: MemoryService
  readonly extractions: ExtractionStore
  readonly clock: Clock
  readonly log: Log
  readonly newId: (at?: number) => string
  /** Told that something was remembered. */
  readonly onRemembered: (asker: Asker, owner: MemoryOwner) => void
}

/** How often a process looks for one that nobody works on. */
const LOOK_MS = 5_000
/** Longest work on one; less than it is held for. */
const MOST_MS = 240_000
/** After so many processes went down with it, it is not tried again. */
const MOST_ATTEMPTS = 3

/** Learns from sessions, one at a time in each process. */
export const createExtraction = (options: ExtractionOptions) => {
  const { store, service, extractions, clock, log, newId } = options
  let isStopping = false
  let cut: Cancellation | null = null
  let timer: Timer | null = null
  let working: Promise<void> | null = null

  const propose = async (owner: MemoryOwner, row: ExtractionRow, asker: Asker, answer: Buffer) => {
    const learned = readLearned(answer)
    if (learned === null)
      throw new AppError('upstream_error', { detail: 'The model did not answer with a list of statements.' })
    const at = new Date(clock.now())
    const acceptsAll = options.acceptsAll()
    const count = { proposed: 0, known: 0 }
    await service.held(owner, async (transaction) => {
      if (!(await extractions.isHeld(transaction, row))) throw new AppError('memory_extraction_not_found')
      for (const [index, { text, kind, confidence }] of learned.entries()) {
        const memory: NewMemory = {
          ...{
            id: newId(clock.now() - index),
            text,
            kind,
            confidence,
            scope: row.scope,
            createdAt: at,
            confirmedAt: at,
          },
          expiresAt: null,
          sources: [{ type: 'session', id: row.session_id, confidence, notedAt: Math.floor(at.getTime() / 1_000) }],
        }
        const isKnown =
          (await store.same(transaction, owner, text)) !== null ||
          (await extractions.wasRejected(transaction, owner, text))
        if (isKnown) count.known += 1
        else {
          await store.checkRoom(transaction, owner, 1)
          await store.insert(transaction, owner, acceptsAll ? 'kept' : 'proposed', memory)
          count.proposed += 1
        }
      }
    })
    if (acceptsAll && count.proposed > 0) options.onRemembered(asker, owner)
    return count
  }

  const work = async (row: ExtractionRow): Promise<{ proposed: number; known: number }> => {
    if (row.attempts > MOST_ATTEMPTS) throw new AppError('internal_error')
    const model = options.model()
    if (model === null) throw new AppError('memory_extraction_unavailable')
    const owner = { project: row.project_id, subject: row.subject }
    // Who withdrew since it was asked for.
    if (!(await options.allows(owner, 'memory_learning', false))) throw new AppError('consent_missing')
    const lines = await options.transcript(owner, row.session_id)
    if (!lines.some(({ role }) => role === 'user')) return { proposed: 0, known: 0 }
    const caller = await options.callerOf(row.key_id)
    // The process may have been told to end since; nothing could be cut then.
    if (isStopping) throw new AppError('server_draining')
    const user = row.subject === '' ? null : row.subject
    const signal = new Cancellation()
    cut = signal
    const limit = clock.after(MOST_MS, () => signal.abort(new AppError('upstream_timeout')))
    try {
      const answer = await options.ask({ caller, user, body: questionOf(model, lines), signal })
      return await propose(owner, row, { caller, user }, answer)
    } finally {
      limit.cancel()
    }
  }

  const workAll = async (): Promise<void> => {
    while (!isStopping) {
      const row = await extractions.take()
      if (row === null) return
      const result = await work(row).then(
        (count) => ({ ...count, fault: null }),
        (error: Error) => {
          log.info({ component: 'memories', error }, 'Nothing could be learned from a session')
          return { proposed: 0, known: 0, fault: error instanceof AppError ? error.code : 'internal_error' }
        },
      )
      // What was cut by the end of this process is taken up by another.
      if (!isStopping) await extractions.end(row, result)
    }
  }
  const look = (): void => {
    if (working !== null || isStopping) return
    working = workAll()
      .catch((error: Error) => log.warn({ component: 'memories', error }, 'Extractions cannot be looked for'))
      .finally(() => {
        working = null
      })
  }
  return {
    look,
    start: (): void => {
      timer = clock.every(LOOK_MS, look)
    },
    stop: async (): Promise<void> => {
      timer?.cancel()
      isStopping = true
      cut?.abort(new AppError('server_draining'))
      await working
    },
  }
}
