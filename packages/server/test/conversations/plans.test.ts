import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBranchStore } from '../../src/features/conversations/conversation-branches.store.ts'
import { createFolderStore } from '../../src/features/conversations/conversation-folders.store.ts'
import { createMessageStore } from '../../src/features/conversations/conversation-messages.store.ts'
import { createDigests } from '../../src/features/conversations/conversation-owner.ts'
import { createRetention } from '../../src/features/conversations/conversation-retention.store.ts'
import { createSearchStore } from '../../src/features/conversations/conversation-search.store.ts'
import { createSessionStore } from '../../src/features/conversations/conversation-sessions.store.ts'
import { createSyncStore } from '../../src/features/conversations/conversation-sync.store.ts'
import { createTextStore } from '../../src/features/conversations/conversation-texts.store.ts'
import { type Database, openDatabase, type Read } from '../../src/kernel/db.ts'
import { type House, startHouse } from '../support/house.ts'

/** 30 people with 20 sessions of 50 messages each, and one backend that keeps 200 of them under no name. */
const people = 30
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const digests = createDigests(Buffer.alloc(32, 1))
const owner = { project: 'default', subject: 'person-7' }
const leaf = 'msg_000007-003-050'
const session = 'ses_000007-003'

let house: House
let database: Database
let plans: string[] = []

beforeAll(async () => {
  house = await startHouse()
  database = openDatabase({ connection: { url: house.databaseUrl }, log: silent })
  const fill = new pg.Client({ connectionString: house.databaseUrl })
  await fill.connect()
  const words = Array.from({ length: people + 1 }, (_, person) =>
    digests.ownerWord({ project: 'default', subject: person === 0 ? '' : `person-${person}` }),
  )
  await fill.query(`SET headgate.scope = '*'; CREATE TEMP TABLE made AS
    SELECT p, s, m, CASE p WHEN 0 THEN '' ELSE 'person-' || p END AS subject,
        'ses_' || lpad(p::text, 6, '0') || '-' || lpad(s::text, 3, '0') AS session_id,
        (s - 1) * 51 + m AS change
      FROM generate_series(0, ${people}) p, generate_series(1, CASE p WHEN 0 THEN 200 ELSE 20 END) s, generate_series(1, 51) m`)
  await fill.query(
    `INSERT INTO headgate.conversation_owners SELECT 'default', subject, max(change), 0, 0, 0 FROM made GROUP BY subject`,
  )
  await fill.query(
    `INSERT INTO headgate.conversation_sessions
    SELECT 'default', session_id, subject, change, s % 10 = 0, s % 4 = 0, CASE WHEN s % 5 = 0 THEN '\\x01'::bytea END, NULL, 50, 1,
      '\\x00', now(), now(), CASE WHEN s IN (3, 6) THEN $1::bytea[] ELSE '{}' END FROM made WHERE m = 51`,
    [digests.title(owner, 'Rivers of Asia')],
  )
  await fill.query(`INSERT INTO headgate.conversation_messages
    SELECT 'default', session_id, 'msg_' || substr(session_id, 5) || '-' || lpad(m::text, 3, '0'),
      CASE WHEN m > 1 THEN 'msg_' || substr(session_id, 5) || '-' || lpad((m - 1)::text, 3, '0') END,
      subject, change, 'user', 'complete', NULL, 10, 1, '\\x00', now() FROM made WHERE m < 51`)
  await fill.query(
    `INSERT INTO headgate.conversation_texts
     SELECT 'default', session_id, 'msg_' || substr(session_id, 5) || '-' || lpad(m::text, 3, '0'),
       array_to_tsvector(ARRAY[($1::text[])[p + 1]]) || to_tsvector('simple', 'common word' || (change * 7919 % 5000))
       FROM made WHERE m < 51`,
    [words],
  )
  await fill.query(
    `INSERT INTO headgate.conversation_tombstones SELECT 'default', subject, change, session_id, NULL, now() FROM made WHERE m = 50`,
  )
  await fill.query(
    'VACUUM ANALYZE headgate.conversation_sessions, headgate.conversation_messages, headgate.conversation_texts, headgate.conversation_tombstones',
  )
  await fill.end()
}, 120_000)
afterAll(async () => {
  await database.close()
  await house.stop()
})

/** The same database; what is asked of tables is explained first, as it will run. */
const explaining: Pick<Database, 'read'> = {
  read: (scope, work) =>
    database.read(scope, (read) =>
      work({
        query: async (text, values) => {
          if (/\bFROM headgate\./.test(text)) {
            const { rows } = await read.query<{ 'QUERY PLAN': string }>(
              `EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF) ${text}`,
              values,
            )
            plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
          }
          return read.query(text, values)
        },
      } as Read),
    ),
}
const spying = { ...explaining, transaction: () => Promise.reject(new Error('reads only')) } as unknown as Database
const seal = {
  seal: () => Promise.reject(new Error('reads only')),
  open: async () => '{"message":{"role":"user","content":"x"}}',
}
const bounds = () => ({ sessions: 1, messages: 1, messageBytes: 1, bytes: 1 })
const sessions = createSessionStore({ database: spying, seal, digests, bounds })
const messages = createMessageStore({ database: spying, seal, sessions, texts: createTextStore(digests), bounds })
const search = createSearchStore({ database: spying, seal, digests })
const folders = createFolderStore({ database: spying, seal, digests, bounds, sessions })
const kept = { days: 1, projectDays: { other: 0 } }
const aged = async () => {
  const ended: unknown[] = []
  const bounds = { most: 100, isOver: () => false, onEnded: (row: unknown) => void ended.push(row) }
  await createRetention(spying, sessions)(kept, bounds)
  return ended
}
const everything = { before: null, limit: 21, archived: false, pinned: null, folder: null, title: null }

it.each<[string, string, () => Promise<unknown>, number]>([
  ['a list', 'conversation_sessions_', () => sessions.list(owner, everything), 15],
  ['the next page', 'conversation_sessions_', () => sessions.list(owner, { ...everything, before: 600 }), 9],
  ['what is pinned', 'conversation_sessions_', () => sessions.list(owner, { ...everything, pinned: true }), 1],
  ['a folder', 'conversation_sessions_', () => sessions.list(owner, { ...everything, folder: 'x' }), 0],
  ['titles', 'conversation_sessions_', () => sessions.list(owner, { ...everything, title: 'Rivers' }), 2],
  ['folders', 'conversation_sessions_folder', () => folders.list(owner, 1_001), 1],
  ['what is too old', 'conversation_sessions_age', () => aged(), 0],
  ['a branch', 'conversation_messages_pkey', () => messages.branch(owner, session, leaf, 51), 50],
  ['all branches', 'conversation_messages_pkey', () => messages.list(owner, session, null, 51), 50],
  [
    'the outline of a branch',
    'conversation_messages_pkey',
    () => createBranchStore(spying, seal).outline(owner, session, leaf, 10_000),
    50,
  ],
  ['a rare word', 'conversation_texts_words', () => search.find(owner, { q: 'word4595' }, 21), 1],
  ['a common word', 'conversation_texts_words', () => search.find(owner, { q: 'common' }, 21), 21],
  [
    'a word of the largest owner',
    'conversation_texts_words',
    () => search.find({ ...owner, subject: '' }, { q: 'word14' }, 21),
    2,
  ],
  [
    'a copy from the beginning',
    'conversation_messages_changes',
    async () => (await createSyncStore(spying, seal).since(owner, null, 100)).changes,
    100,
  ],
  [
    'what has changed since',
    'conversation_messages_changes',
    async () => (await createSyncStore(spying, seal).since(owner, { change: 1_000, deleted: 1_000 }, 100)).changes,
    21,
  ],
])('%s is read by %s', async (_name, index, read, count) => {
  plans = []
  const found = (await read()) as readonly unknown[]
  const all = plans.join('\n')
  expect(all).toContain(index)
  expect(all).not.toMatch(/Seq Scan on conversation_/)
  expect(found).toHaveLength(count)
  for (const [, milliseconds] of all.matchAll(/Execution Time: ([\d.]+) ms/g))
    expect(Number(milliseconds)).toBeLessThan(200)
})
