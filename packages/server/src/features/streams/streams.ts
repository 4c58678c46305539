import { createHash } from 'node:crypto'
import { header } from '@headgate/contract/headers.ts'
import { addWarning } from '../../domain/warning.ts'
import type { Clock, Timer } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import { createKeptStream } from './kept-stream.ts'
import { createMirrorReader, WATCH_MS } from './mirror-reader.ts'
import { pauseFor } from './pause.ts'
import { asksForResume, holderOf } from './resume-header.ts'
import { streamRoutes } from './streams.routes.ts'
import type {
  MirrorPage,
  KeptStream,
  PresentFault,
  ResumeResult,
  StreamBounds,
  StreamHolder,
  StreamMirror,
  Streams,
  StreamStanding,
} from './streams.ports.ts'

export interface StreamsOptions {
  readonly clock: Clock
  /** Where other replicas read; null: they cannot. */
  readonly mirror: StreamMirror | null
  /** False where a reader who comes back may meet another process, and nothing is shared. */
  readonly canKeep: boolean
  readonly present: PresentFault
  readonly bounds: () => StreamBounds
  /** An owner that is silent for so long is taken for dead; 6 s when not stated. */
  readonly lostMs?: number
  readonly onResumed: (result: ResumeResult) => void
}

const BEAT_MS = 1_000
const LOST_MS = 6_000
/** How long a cancel waits for the owner on another replica: some beats. */
const CANCEL_PATIENCE_MS = 4_000
const CANCEL_LOOK_MS = 50
/** How long the end waits for what is not shared yet. */
const FAREWELL_MS = 2_000

const digestOf = ({ projectId, keyId, user }: StreamHolder): string =>
  createHash('sha256')
    .update(JSON.stringify([projectId, keyId, user]))
    .digest('base64url')

const standingOf = (id: string, { ending, last }: MirrorPage): StreamStanding => ({
  id,
  state: ending?.state ?? 'running',
  last,
  code: ending?.code ?? null,
})

/** Builds the buffer of streams. What runs here is read from memory, what runs elsewhere from the mirror. */
export const createStreams = (options: StreamsOptions): Streams => {
  const { clock, mirror, present, bounds, lostMs = LOST_MS } = options
  const streams = new Map<string, KeptStream>()
  /** Those that have ended, oldest first, with when they go. */
  const ended = new Map<string, number>()
  let bytes = 0
  let ticker: Timer | null = null

  const forget = (id: string): void => {
    const stream = streams.get(id)
    if (stream === undefined) return
    stream.forgotten()
    bytes -= stream.log.bytes
    streams.delete(id)
    ended.delete(id)
  }
  /** Lets streams that have ended go before their time, where room is needed. */
  const evict = (): void => {
    for (const id of ended.keys()) {
      if (bytes <= bounds().totalBytes) return
      forget(id)
      // It ends by itself there, should this fail.
      mirror?.forget(id).catch(() => undefined)
    }
  }
  const isCrowded = (): boolean => {
    if (bytes <= bounds().totalBytes) return false
    evict()
    return bytes > bounds().totalBytes
  }
  const tick = (): void => {
    const now = clock.monotonic()
    for (const [id, goesAt] of ended) {
      if (goesAt > now) break
      forget(id)
    }
    if (mirror !== null) for (const stream of streams.values()) if (stream.log.ending === null) stream.beat()
  }

  const keep: Streams['keep'] = (call) => {
    if (!options.canKeep || isCrowded()) return null
    const stream = createKeptStream({
      call,
      holder: digestOf(call.holder),
      clock,
      mirror,
      present,
      bounds,
      onBytes: (change) => {
        bytes += change
      },
      isCrowded,
      onEnd: ({ id }) => {
        ended.set(id, clock.monotonic() + bounds().keepMs)
        isCrowded()
      },
      onVoid: ({ id }) => forget(id),
    })
    streams.set(call.id, stream)
    return stream
  }

  const ownedBy = (id: string, digest: string): KeptStream | null => {
    const stream = streams.get(id)
    return stream !== undefined && stream.head.holder === digest ? stream : null
  }
  const readMirror = async (id: string, digest: string, after: number, watchMs = 0): Promise<MirrorPage | null> => {
    if (mirror === null || streams.has(id)) return null
    const page = await mirror.read(id, after, watchMs).catch((cause: unknown) => {
      throw new AppError('streams_unavailable', { cause })
    })
    return page !== null && page.head.holder === digest ? page : null
  }

  const attach: Streams['attach'] = async (id, holder, after) => {
    const digest = digestOf(holder)
    const here = ownedBy(id, digest)
    if (here !== null) {
      const { ending, last } = here.log
      options.onResumed(ending !== null && after >= last ? 'over' : 'here')
      return ending !== null && after >= last ? 'over' : here.attach(after)
    }
    // From now on its owner knows that somebody reads.
    const page = await readMirror(id, digest, after, WATCH_MS)
    if (page === null || mirror === null) {
      options.onResumed('missing')
      return null
    }
    const isOver = page.ending !== null && after >= page.last
    options.onResumed(isOver ? 'over' : 'elsewhere')
    return isOver ? 'over' : createMirrorReader({ id, after, page, mirror, clock, present, lostMs })
  }

  const standing: Streams['standing'] = async (id, holder) => {
    const digest = digestOf(holder)
    const here = ownedBy(id, digest)
    if (here !== null) return here.standing()
    const page = await readMirror(id, digest, Number.MAX_SAFE_INTEGER - 1)
    return page === null ? null : standingOf(id, page)
  }

  const cancel: Streams['cancel'] = async (id, holder) => {
    const here = ownedBy(id, digestOf(holder))
    if (here !== null) {
      here.end('cancelled', new AppError('stream_cancelled'))
      return here.standing()
    }
    let found = await standing(id, holder)
    if (found?.state !== 'running' || mirror === null) return found
    await mirror.cancel(id).catch((cause: unknown) => {
      throw new AppError('streams_unavailable', { cause })
    })
    const until = clock.monotonic() + CANCEL_PATIENCE_MS
    while (found?.state === 'running' && clock.monotonic() < until) {
      await pauseFor(clock, CANCEL_LOOK_MS)
      found = await standing(id, holder)
    }
    return found
  }

  const answer: Streams['answer'] = (input, protocol, begin, given) => {
    if (!asksForResume(input)) return null
    const { exchange, signal } = input
    const { headers } = exchange
    const id = given ?? prefixedId('stm', clock.now())
    const kept = keep({
      id,
      holder: holderOf(exchange),
      protocol,
      requestId: exchange.requestId,
      lingerMs: bounds().lingerMs,
      begin,
    })
    if (kept === null) {
      addWarning(headers, 'The stream is not kept and cannot be resumed')
      return null
    }
    headers[header.stream] = id
    const leave = () => kept.left(signal.reason)
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    let isBegun = false
    const stream = kept.first.catch((fault: unknown) => {
      // The error is the whole answer then, and there is nothing to come back to.
      if (!isBegun) delete headers[header.stream]
      throw fault
    })
    const begun = () => {
      isBegun = true
      kept.announced()
    }
    return { kind: 'events', stream, begun }
  }

  const keepOn: Streams['keepOn'] = ({ exchange }, id, begin) =>
    keep({
      id,
      holder: holderOf(exchange),
      protocol: 'responses',
      requestId: exchange.requestId,
      lingerMs: null,
      begin,
    })

  return {
    name: 'streams',
    routes: streamRoutes({ attach, standing, cancel }),
    keep,
    keepOn,
    answer,
    attach,
    standing,
    cancel,
    endAll: (fault) => {
      for (const stream of streams.values()) stream.end('failed', fault)
    },
    held: () => ({ streams: streams.size, bytes }),
    start: () => {
      ticker = clock.every(BEAT_MS, tick)
    },
    stop: async () => {
      ticker?.cancel()
      for (const stream of streams.values()) stream.end('failed', new AppError('server_draining'))
      if (mirror === null) return
      // Readers elsewhere are waiting for it.
      await Promise.race([
        Promise.all([...streams.values()].map((stream) => stream.shared())),
        pauseFor(clock, FAREWELL_MS),
      ])
      for (const stream of streams.values()) stream.forgotten()
      await mirror.close()
    },
  }
}
