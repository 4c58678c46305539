import { createHash, createHmac } from 'node:crypto'
import type { KeptAnswer, NamedRequest, Run, Turn } from '../../domain/kept-answer.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { createIdempotencyStore, type Name, type SealPort } from './idempotency.store.ts'
import { pauseUntil } from './pause.ts'

/** What became of a named request, for the metrics. */
export type NamedResult = 'run' | 'replayed' | 'reused' | 'waited_in_vain' | 'not_replayable'

export interface IdempotencyOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly clock: Clock
  readonly log: Log
  /** The secret that digests of bodies are made under, the same on every replica. */
  readonly pepper: Buffer
  /** How long answers are kept and how long they may be, asked anew each time. */
  readonly settings: () => { readonly keepHours: number; readonly maxAnswerBytes: number }
  readonly onNamed: (result: NamedResult) => void
}

/** Recognises retries by their `Idempotency-Key`. */
export interface Idempotency extends Feature {
  /**
   * Says whether a named request is the first of its name or gets the answer of that one; waits for it while it runs, here or on
   * another replica.
   * @throws AppError `idempotency_key_reused`, `idempotency_in_progress`, `not_replayable`, `client_closed_request`
   * @throws DatabaseUnavailable: what cannot be recognised is not run
   */
  readonly begin: (request: NamedRequest, signal: CancelSignal) => Promise<Turn>
}

const HOUR_MS = 3_600_000
/** A third of how long a run holds its name without a sign. */
const HOLD_MS = 5_000
/** A retry waits no longer than that for the first: clients give up by themselves before. */
const LONGEST_WAIT_MS = 60_000
/** How often a run on another replica is looked at, at first and at most. */
const FIRST_LOOK_MS = 100
const LAST_LOOK_MS = 1_000

/** A call that runs here. */
interface Running {
  readonly turn: string
  readonly fingerprint: Buffer
  awaited: number
  readonly ended: Promise<void>
}

/** Builds the memory of named requests. */
export const createIdempotency = (options: IdempotencyOptions): Idempotency => {
  const { clock, log, pepper, settings, onNamed } = options
  const store = createIdempotencyStore(options.database, options.seal)
  const running = new Map<string, Running>()
  const timers: { cancel(): void }[] = []

  const nameOf = ({ project, holder, route, key }: NamedRequest): Name => ({
    project,
    lookup: createHash('sha256')
      .update(JSON.stringify([holder, route, key]))
      .digest(),
  })
  const fingerprintOf = (content: NamedRequest['content']): Buffer => {
    const digest = createHmac('sha256', pepper).update('idempotency')
    for (const part of content) digest.update(`\n${part.length}\n`).update(part)
    return digest.digest()
  }
  const quietly = (work: Promise<unknown>, message: string): Promise<void> =>
    work.then(
      () => undefined,
      (error: Error) => log.warn({ component: 'idempotency', error }, message),
    )

  const run = (name: Name, id: string, turn: string, fingerprint: Buffer): Run => {
    let end = (): void => {}
    const entry: Running = { turn, fingerprint, awaited: 0, ended: new Promise((resolve) => (end = resolve)) }
    running.set(id, entry)
    const after = (work: Promise<void>, message: string): Promise<void> =>
      quietly(work, message).then(() => {
        running.delete(id)
        end()
      })
    return {
      kind: 'run',
      keep: (answer: KeptAnswer | null) => {
        const fits = answer !== null && answer.body.length <= settings().maxAnswerBytes
        return after(store.keep(name, turn, fits ? answer : null), 'An answer could not be kept for retries')
      },
      release: () => after(store.release(name, turn), 'The name of a failed call could not be released'),
      isAwaited: () => entry.awaited > 0,
    }
  }

  const begin: Idempotency['begin'] = async (request, signal) => {
    const name = nameOf(request)
    const id = `${request.project ?? ''}/${name.lookup.toString('base64')}`
    const fingerprint = fingerprintOf(request.content)
    const checkSame = (known: Buffer): void => {
      if (known.equals(fingerprint)) return
      onNamed('reused')
      throw new AppError('idempotency_key_reused')
    }
    const deadline = clock.monotonic() + LONGEST_WAIT_MS
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(LAST_LOOK_MS, pause * 2)) {
      const here = running.get(id)
      if (here) checkSame(here.fingerprint)
      else {
        const turn = prefixedId('run', clock.now())
        const found = await store.claim(name, { ...request, fingerprint, turn, keepHours: settings().keepHours })
        if (found === null) continue
        if (found.kind === 'claimed') {
          onNamed('run')
          return run(name, id, turn, fingerprint)
        }
        checkSame(found.fingerprint)
        if (found.kind === 'ended') {
          onNamed(found.answer === null ? 'not_replayable' : 'replayed')
          if (found.answer === null) throw new AppError('not_replayable')
          return { kind: 'replay', answer: found.answer }
        }
      }
      if (clock.monotonic() >= deadline) {
        onNamed('waited_in_vain')
        throw new AppError('idempotency_in_progress', { retryAfterMs: 1_000 })
      }
      const first = running.get(id)
      if (first) first.awaited++
      try {
        await pauseUntil(clock, first ? deadline - clock.monotonic() : pause, signal, first?.ended)
      } finally {
        if (first) first.awaited--
      }
    }
  }

  const hold = (): void => {
    if (running.size === 0) return
    const turns = [...running.values()].map(({ turn }) => turn)
    void quietly(store.hold(turns), 'The names of running calls could not be held')
  }
  const forget = async (): Promise<void> => {
    while (await store.forget());
  }

  return {
    name: 'idempotency',
    begin,
    start: () => {
      timers.push(
        clock.every(HOLD_MS, hold),
        clock.every(HOUR_MS, () => void quietly(forget(), 'Expired names of calls could not be deleted')),
      )
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
    },
  }
}
