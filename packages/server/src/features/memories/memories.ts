import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { AllowsPort, Asker, MemoryBounds, MemoryOwner, NewMemory, RecordAct, SealPort } from './memories.ports.ts'
import { memoryRoutes } from './memories.routes.ts'
import { createMemoryService, type Written } from './memories.service.ts'
import { createMemoryStore } from './memories.store.ts'
import { createComparer } from './memory-comparer.ts'
import { createEmbedder, type EmbedPort } from './memory-embedder.ts'
import { createExtraction, type ExtractionPorts } from './memory-extraction.ts'
import { createExtractionStore } from './memory-extractions.store.ts'
import { createDigests } from './memory-owner.ts'
import { memoryProposalRoutes } from './memory-proposals.routes.ts'
import { createRecall, type Recall } from './memory-recall.ts'
import { createMemorySearch } from './memory-search.ts'
import { memorySearchRoutes } from './memory-search.routes.ts'
import { memoryTransferRoutes } from './memory-transfer.routes.ts'
import { createVectorStore } from './memory-vectors.store.ts'

export interface MemoriesOptions extends EmbedPort {
  readonly allows: AllowsPort
  /** How sessions are learned from. */
  readonly extraction: ExtractionPorts
  readonly database: Database
  readonly seal: SealPort
  /** A secret that all replicas share. */
  readonly pepper: Buffer
  readonly clock: Clock
  readonly log: Log
  readonly countText: (text: string) => Promise<number>
  readonly bounds: () => MemoryBounds
  readonly record: RecordAct
  /** Most tokens of memories that a call is given. */
  readonly recallTokens: () => number
}

/** What is remembered about people: `/v1/memories`. */
export interface Memories extends Feature {
  /** What a call is given of it. */
  readonly recall: Recall
}

const HOUR_MS = 3_600_000

/** Builds what is remembered about people. */
export const createMemories = (options: MemoriesOptions): Memories => {
  const { database, seal, pepper, clock, log, bounds, countText } = options
  const digests = createDigests(pepper)
  const store = createMemoryStore({ database, seal, digests, bounds })
  const extractions = createExtractionStore(database, digests)
  const comparer = createComparer(clock)
  const vectors = createVectorStore(database, seal, comparer)
  const service = createMemoryService({ database, store, vectors, now: clock.now })
  const embedder = createEmbedder({ database, vectors, log, model: options.model, embed: options.embed })
  const search = createMemorySearch({ database, store, vectors, embedder, now: clock.now })
  const newId = (at = clock.now()): string => prefixedId('mem', at)
  const time = () => ({ now: clock.now(), staleDays: bounds().staleDays })
  const shared = {
    store,
    service,
    newId,
    record: options.record,
    now: clock.now,
    time,
    onChanged: embedder.catchUpLater,
  }
  const onRemembered = embedder.catchUpLater
  const extraction = createExtraction({
    ...options.extraction,
    allows: options.allows,
    ...{ store, service, extractions, clock, log, newId, onRemembered },
  })
  const timers: Timer[] = []

  const remember = async (asker: Asker, owner: MemoryOwner, memory: NewMemory): Promise<Written> => {
    // What was said in these words before needs no model that knows it again. Where it is forgotten meanwhile, the next search turns it into a vector.
    const isKnown = await database.read(
      { project: owner.project },
      async (read) => (await store.same(read, owner, memory.text))?.state === 'kept',
    )
    const meaning = isKnown ? null : await embedder.embed(asker, memory.text)
    const near = meaning === null ? null : await search.same(owner, memory.text, meaning)
    return service.held(owner, async (transaction) => {
      const written = await service.remember(transaction, owner, memory, near)
      if (meaning !== null && !written.wasMerged)
        await vectors.put(transaction, owner, memory.id, meaning.model, meaning.vector)
      return written
    })
  }
  const forget = async (): Promise<void> => {
    while ((await database.transaction('system', store.forgetExpired)) > 0);
    while ((await database.transaction('system', extractions.forget)) > 0);
  }
  return {
    name: 'memories',
    // What has a name of its own before what is named by an id.
    routes: [
      ...memoryTransferRoutes(shared),
      ...memorySearchRoutes({ search, time, hasModel: () => embedder.model() !== null }),
      ...memoryProposalRoutes({
        ...{ ...shared, extractions, onRemembered, onBegun: extraction.look },
        hasModel: () => options.extraction.model() !== null,
        allows: options.allows,
        checkSession: options.extraction.transcript,
        newExtractionId: () => prefixedId('mex', clock.now()),
      }),
      ...memoryRoutes({ ...shared, remember }),
    ],
    recall: createRecall({ allows: options.allows, search, countText, mostTokens: options.recallTokens, time, log }),
    start: () => {
      extraction.start()
      const quietly = () =>
        forget().catch((error: Error) =>
          log.warn({ component: 'memories', error }, 'What has expired could not be forgotten'),
        )
      timers.push(clock.every(HOUR_MS, () => void quietly()))
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
      await extraction.stop()
      await embedder.stop()
      await comparer.stop()
    },
  }
}
