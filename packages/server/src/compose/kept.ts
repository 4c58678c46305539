import type { Settings } from '../config/config.ts'
import type { Config } from '../config/schema.ts'
import type { Audit } from '../features/audit/audit.ts'
import { createIdempotency } from '../features/idempotency/idempotency.ts'
import type { Identity } from '../features/identity/identity.ts'
import { createResponses } from '../features/responses/responses.ts'
import { createStreams } from '../features/streams/streams.ts'
import { createFail } from '../http/fail.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Seal } from '../kernel/seal.ts'
import { addressOf } from './address.ts'
import { createAssetRoom } from './asset-room.ts'
import type { BlobSecrets } from './blob-store.ts'
import { createCached } from './cached.ts'
import { createConversationRoom } from './conversations.ts'
import type { Crew } from './crew.ts'
import { createFileRoom } from './file-room.ts'
import type { Generation } from './generation.ts'
import { createMemoryRoom } from './memory-room.ts'
import { idempotencySettings, resumeBounds } from './options.ts'
import { createPrivacyRoom, type PrivacyRoomPorts } from './privacy.ts'

interface KeptOptions extends PrivacyRoomPorts {
  /** As it was at the start. */
  readonly config: Config
  readonly audit: Pick<Audit, 'record'>
  readonly settings: () => Settings
  readonly secrets: BlobSecrets
  readonly redisUrl: string | undefined
  readonly database: Database
  readonly seal: Seal
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  /** The port that is listened on. */
  readonly port: () => number
  readonly crew: Crew
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly isDraining: () => boolean
  readonly current: () => Pick<Generation, 'lineCall' | 'door'>
  readonly keys: Pick<Identity['keys'], 'get' | 'callerOf'>
  readonly countText: (text: string) => Promise<number>
}

/**
 * Builds what outlives the request that it belongs to: answers kept for retries, in PostgreSQL; streams kept for readers who come
 * back, in memory, and in Redis too where there is one, so that other replicas
 * can read; conversations, memories, files and batches, in PostgreSQL; assets, in a folder or a bucket. And what takes people out of all of it again.
 */
export const createKept = async (options: KeptOptions) => {
  const { settings, redisUrl, database, seal, pepper, crew, clock, log, metrics } = options
  const fail = createFail(() => addressOf(settings().config, options.port()))
  // The Redis client is loaded only where it is used.
  const redis = redisUrl === undefined ? null : await import('../features/streams/mirror.redis.ts')
  if (redis === null && crew.size > 1)
    log.info({ component: 'streams' }, 'Streams cannot be resumed: several workers share them only through Redis')
  const idempotency = createIdempotency({
    database,
    seal,
    clock,
    log,
    pepper,
    settings: () => idempotencySettings(settings().config),
    onNamed: (result) => metrics.named(result).inc(),
  })
  const streams = createStreams({
    clock,
    mirror: redis === null ? null : redis.createRedisMirror({ url: redisUrl as string, clock, log, pepper }),
    canKeep: redis !== null || crew.size === 1,
    present: (protocol, fault, requestId) =>
      fail.presentEvent(fault, requestId, protocol === 'chat' ? 'openai' : protocol),
    bounds: () => resumeBounds(settings().config),
    onResumed: (result) => metrics.resumed(result).inc(),
  })
  const responses = createResponses({
    database,
    seal,
    clock,
    log,
    streams,
    keepDays: () => settings().config.responses.keep_days,
  })
  const cache = await createCached(options)
  const files = createFileRoom({ ...options, present: fail.present, maxBytes: options.config.files.max_bytes })
  const conversations = createConversationRoom(options)
  const memories = createMemoryRoom({ ...options, conversations, allows: (...asked) => privacy.allows(...asked) })
  const assets = createAssetRoom(options)
  const privacy = createPrivacyRoom({ ...options, cache, assets, conversations })
  return { idempotency, streams, responses, cache, files, conversations, memories, assets, privacy }
}
