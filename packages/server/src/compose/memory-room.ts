import type { Settings } from '../config/config.ts'
import type { Config } from '../config/schema.ts'
import type { Audit } from '../features/audit/audit.ts'
import type { Conversations } from '../features/conversations/conversations.ts'
import type { Identity } from '../features/identity/identity.ts'
import { createMemories, type Memories } from '../features/memories/memories.ts'
import type { EmbedPort } from '../features/memories/memory-embedder.ts'
import type { Privacy } from '../features/privacy/privacy.ts'
import { Cancellation } from '../kernel/cancellation.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import { AppError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Seal } from '../kernel/seal.ts'
import { createKeyCaller } from './key-caller.ts'
import type { Generation } from './generation.ts'
import { createLineAnswers } from './line-answers.ts'

interface MemoryRoomOptions {
  readonly settings: () => Settings
  readonly database: Database
  readonly seal: Seal
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly clock: Clock
  readonly log: Log
  readonly countText: (text: string) => Promise<number>
  readonly current: () => Pick<Generation, 'lineCall' | 'door'>
  readonly keys: Pick<Identity['keys'], 'get' | 'callerOf'>
  readonly audit: Pick<Audit, 'record'>
  /** Whether something may be done with what is held of somebody. */
  readonly allows: Privacy['allows']
  readonly conversations: Pick<Conversations, 'transcript'>
}

/** Longest wait for vectors; a search goes on without them. */
const EMBED_MS = 15_000
/** What comes with npm, where `local_engines` is on. */
const LOCAL_MODEL = 'local/embeddings-en'

const embeddingModel = ({ memories, local_engines: local, profile }: Config): string | null => {
  if (memories.embedding_model !== undefined) return memories.embedding_model
  return local && profile !== 'production' && profile !== 'staging' ? LOCAL_MODEL : null
}

/** Builds what is remembered about people; models are called in the generation that stands. */
export const createMemoryRoom = (options: MemoryRoomOptions): Memories => {
  const { settings, database, seal, pepper, clock, log, countText } = options
  const answer = createLineAnswers(options.current, clock)
  const memories = () => settings().config.memories

  const embed: EmbedPort['embed'] = async ({ caller, user }, model, texts) => {
    const signal = new Cancellation()
    const limit = clock.after(EMBED_MS, () => signal.abort(new AppError('upstream_timeout')))
    const body = Buffer.from(JSON.stringify({ model, input: texts, encoding_format: 'float' }))
    const { made } = await answer('/v1/embeddings', { caller, user, operation: 'embeddings', body, signal })
    limit.cancel()
    if ('fault' in made) throw made.fault
    const { data } = JSON.parse(made.body.toString('utf8')) as { data: { index: number; embedding: number[] }[] }
    return data.toSorted((one, other) => one.index - other.index).map(({ embedding }) => embedding)
  }
  return createMemories({
    ...{ database, seal, pepper, clock, log, countText, embed },
    record: options.audit.record,
    allows: ({ project, subject }, purpose, optsOut) =>
      subject === '' ? true : options.allows({ project, user: subject }, purpose, optsOut),
    model: () => embeddingModel(settings().config),
    bounds: () => ({ memories: memories().max_memories, staleDays: memories().stale_days }),
    recallTokens: () => memories().recall_tokens,
    extraction: {
      model: () => memories().extract_model ?? null,
      acceptsAll: () => memories().auto_accept,
      transcript: options.conversations.transcript,
      callerOf: createKeyCaller(options.keys, clock),
      ask: async (line) => {
        const { made } = await answer('/v1/chat/completions', { ...line, operation: 'chat' })
        if ('fault' in made) throw made.fault
        return made.body
      },
    },
  })
}
