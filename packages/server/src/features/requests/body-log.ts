import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { bodyLogRoutes } from './body-log.routes.ts'
import { type BodiesRead, type BodiesRow, createBodyStore, type KeptBodies, type SealPort } from './bodies.store.ts'
import { createRedaction } from './redaction.ts'
import { createWriter } from './writer.ts'

export interface BodyLogOptions {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly seal: SealPort
  /** Ids of projects, `*` for all; empty: nothing is logged. */
  readonly projects: readonly string[]
  readonly operations: readonly string[]
  readonly maxBytes: number
  readonly keepDays: number
  /** Regular expressions of what is taken out, beside our own. */
  readonly redact: readonly string[]
  readonly audit: (
    transaction: Transaction,
    entry: {
      readonly actor: string
      readonly action: string
      readonly resource: string
      readonly project: string
      readonly requestId: string
    },
  ) => Promise<void>
  readonly onDropped: (count: number) => void
}

/** Takes the answer of a call whose bodies are logged; null where it had none. */
export type TakeAnswer = (answer: Buffer | string | null) => void

/** Bodies of calls, for projects that have asked for it. */
export interface BodyLog extends Feature {
  /** null where nothing of the call is logged. */
  readonly follow: ((exchange: Exchange, request: InferenceRequest) => TakeAnswer | null) | null
}

const HOUR_MS = 3_600_000
const BATCH = 20
const MOST_WAITING = 200
/** Read beyond the cut, so that what is to be redacted is not cut in half and missed. */
const OVERLAP_BYTES = 8_192

interface Taken {
  readonly id: string
  readonly at: number
  readonly project: string
  readonly request: Buffer
  readonly answer: Buffer | null
  readonly requestBytes: number
  readonly answerBytes: number
}

/** JSON written anew has no escapes behind which an address or a key could hide. */
const plainOf = (bytes: Buffer): string => {
  const text = bytes.toString('utf8')
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return text
  }
}

/** Builds the log of bodies. Off, it has no table rows, no timer and no part in any call. */
export const createBodyLog = (options: BodyLogOptions): BodyLog => {
  const { clock, log, maxBytes, onDropped } = options
  const store = createBodyStore(options.database, options.seal)
  const redact = createRedaction(options.redact)
  const projects = new Set(options.projects)
  const operations = new Set(options.operations)

  const clean = (bytes: Buffer) => {
    const { text, count } = redact(plainOf(bytes))
    const kept = text.replaceAll('\u0000', '').slice(0, maxBytes)
    return { text: kept, count, cut: kept.length < text.length }
  }
  const rowOf = ({ id, at, project, request, answer, requestBytes, answerBytes }: Taken): BodiesRow => {
    const asked = clean(request)
    const answered = answer && clean(answer)
    const bodies: KeptBodies = {
      request: asked.text,
      answer: answered && answered.text,
      requestBytes,
      answerBytes,
      cut: asked.cut || answered?.cut === true || requestBytes > request.length || answerBytes > (answer?.length ?? 0),
      redactions: asked.count + (answered?.count ?? 0),
    }
    return { id, at, project, bodies }
  }
  const writer = createWriter<Taken>({
    clock,
    log,
    what: 'request bodies',
    batch: BATCH,
    most: MOST_WAITING,
    write: (taken) => store.write(taken.map(rowOf)),
    onDropped,
  })
  /** A copy: the buffer it is part of may be large, and used again. */
  const head = (bytes: Buffer): Buffer => Buffer.from(bytes.subarray(0, maxBytes + OVERLAP_BYTES))
  const keepDays = (): Promise<void> =>
    store
      .keepDays(options.keepDays)
      .catch((error) =>
        log.warn({ component: 'requests', error }, 'Partitions of request bodies were not kept in order'),
      )
  let timer: { cancel(): void } | null = null

  const follow: NonNullable<BodyLog['follow']> = (exchange, request) => {
    const { projectId } = exchange.caller
    if (!(projects.has(projectId) || projects.has('*')) || !operations.has(request.operation)) return null
    exchange.walk.isBodyLogged = true
    return (answer) => {
      const bytes = typeof answer === 'string' ? Buffer.from(answer) : answer
      writer.push({
        id: exchange.id,
        at: exchange.walk.at,
        project: projectId,
        request: head(request.body),
        answer: bytes && head(bytes),
        requestBytes: request.body.length,
        answerBytes: bytes?.length ?? 0,
      })
    }
  }
  const show = async (id: string, by: { readonly actor: string; readonly requestId: string }) => {
    await writer.flush().catch(() => undefined)
    return store.read(id, (transaction, { project }: BodiesRead) =>
      options.audit(transaction, { ...by, action: 'request_bodies.read', resource: `request/${id}`, project }),
    )
  }

  return {
    name: 'body-log',
    routes: bodyLogRoutes(show),
    follow: projects.size === 0 ? null : follow,
    start: async () => {
      await keepDays()
      timer = clock.every(HOUR_MS, () => void keepDays())
    },
    stop: async () => {
      timer?.cancel()
      await writer.stop()
    },
  }
}
