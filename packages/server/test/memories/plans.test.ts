import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBatchRunStore } from '../../src/features/files/batch-runs.store.ts'
import { createMemoryStore } from '../../src/features/memories/memories.store.ts'
import { createExtractionStore } from '../../src/features/memories/memory-extractions.store.ts'
import { createDigests } from '../../src/features/memories/memory-owner.ts'
import { createVectorStore } from '../../src/features/memories/memory-vectors.store.ts'
import { type Database, openDatabase, type Read } from '../../src/kernel/db.ts'
import { type House, startHouse } from '../support/house.ts'
import { explaining } from '../support/plans.ts'

/** 200 people of whom 50 things each are remembered, every tenth of them a proposal. */
const people = 200
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const owner = { project: 'default', subject: 'person-7' }
const digests = createDigests(Buffer.alloc(32, 1))

let house: House
let database: Database

beforeAll(async () => {
  house = await startHouse()
  database = openDatabase({ connection: { url: house.databaseUrl }, log: silent })
  const fill = new pg.Client({ connectionString: house.databaseUrl })
  await fill.connect()
  await fill.query(`SET headgate.scope = '*'; CREATE TEMP TABLE made AS
    SELECT p * 50 + m AS n, m, 'person-' || p AS subject, 'mem_' || lpad((p * 50 + m)::text, 26, '0') AS memory_id
      FROM generate_series(1, ${people}) p, generate_series(0, 49) m`)
  for (const rows of [
    `memories (project_id, memory_id, subject, state, kind, scope, confidence, digest, sealed, search, created_at, updated_at,
        confirmed_at, expires_at)
      SELECT 'default', memory_id, subject, CASE WHEN m % 10 = 9 THEN 'proposed' ELSE 'kept' END, 'fact', 'general', 0.5,
        sha256(n::text::bytea), '\\x00', to_tsvector('simple', 'common word' || n % 500), now(), now(), now() - m * interval '9 days',
        CASE WHEN m % 5 = 0 THEN now() + (n - 100) * interval '1 hour' END FROM made`,
    `memory_sources (project_id, memory_id, subject, source_type, reference)
      SELECT 'default', memory_id, subject, 'session', sha256((m % 5)::text::bytea) FROM made`,
    `memory_vectors (project_id, memory_id, subject, model, scale, vector)
      SELECT 'default', memory_id, subject, 'a model', 0.01, '\\x0101' FROM made WHERE m % 25 > 0`,
    `memory_extractions (project_id, extraction_id, subject, key_id, session_id, scope, state, ended_at)
      SELECT 'default', memory_id, subject, 'key', 'session-' || n, 'general', 'completed', now() - n * interval '1 minute' FROM made`,
    `memory_rejections (project_id, subject, digest, rejected_at)
      SELECT 'default', subject, sha256(n::text::bytea), now() - n * interval '3144 seconds' FROM made`,
    `batches (project_id, batch_id, key_id, endpoint, input_file_id, completion_window, output_seconds, status, created_at, expires_at,
        completed_at)
      SELECT 'default', 'batch_' || n, 'key', '/v1/embeddings', 'file', '24h', 1, 'completed', now() - n * interval '258 seconds', now(),
        now() - n * interval '258 seconds' FROM made`,
  ])
    await fill.query(`INSERT INTO headgate.${rows}`)
  await fill.query('VACUUM ANALYZE')
  await fill.end()
}, 120_000)
afterAll(async () => {
  await database.close()
  await house.stop()
})

const seal = {
  seal: async () => Buffer.from('00', 'hex'),
  open: async () => '{"text":"x","sources":[]}',
}
const { database: spying, take } = explaining(() => database, /\bheadgate\.(memor|batch)/)
const store = createMemoryStore({
  database: spying,
  seal,
  digests,
  bounds: () => ({ memories: 1_000, staleDays: 100 }),
})
const extractions = createExtractionStore(spying, digests)
const vectors = createVectorStore(spying, seal, { compare: async () => [] })
const runs = createBatchRunStore(spying, seal)
const own = <T>(work: (read: Read) => Promise<T>) => spying.read({ project: 'default' }, work)
const page = { state: 'kept', limit: 21 } as const
const query = { model: 'a model', vector: Float32Array.of(0.6, 0.8) }

it.each<[string, string, () => Promise<unknown>]>([
  ['a list', 'memories_owner', () => store.list(owner, page)],
  ['a later page of a scope', 'memories_owner', () => store.list(owner, { ...page, scope: 'x', cursor: 'mem_' })],
  ['what is stale', 'memories_owner', () => store.list(owner, { ...page, stale: true })],
  ['proposals', 'memories_owner', () => store.list(owner, { ...page, state: 'proposed' })],
  ['how many there are', 'memories_owner', () => store.count(owner)],
  ['what is known already', 'memories_same', () => own((read) => store.same(read, owner, 'x'))],
  [
    'what a source said',
    'memory_sources_type',
    () => own((read) => store.ofSource(read, owner, { type: 'session', id: 'x' }, 100)),
  ],
  [
    'what all sources of a type said',
    'memory_sources_type',
    () => own((read) => store.ofSource(read, owner, { type: 'session' }, 100)),
  ],
  ['what is near', 'memory_vectors_owner', () => own((read) => vectors.compare(read, owner, query, {}, () => {}))],
  ['words', 'memories_owner', () => own((read) => vectors.matchWords(read, owner, 'word9', {}))],
  ['how many have no vector', 'memories_owner', () => vectors.pending(owner, 'a model')],
  ['what has no vector', 'memories_owner', () => vectors.without(owner, 'a model', null, 32)],
  ['what has expired', 'memories_expiry', () => spying.transaction('system', store.forgetExpired)],
  ['old extractions and refusals', 'memory_extractions_ended', () => spying.transaction('system', extractions.forget)],
  ['an extraction to work on', 'memory_extractions_due', () => extractions.take()],
  ['batches that ended long ago', 'batches_closed', () => runs.forget(30)],
])('%s: found by %s', async (_name, index, work) => {
  await work()
  const all = take()
  expect(all).toContain(index)
  expect(all).not.toMatch(/Seq Scan on (memor|batch)/)
})
