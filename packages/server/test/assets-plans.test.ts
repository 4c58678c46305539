import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAssetStore } from '../src/features/assets/assets.store.ts'
import { createChunkStore } from '../src/features/assets/chunks.store.ts'
import { createForgetOwner } from '../src/features/assets/forget-owner.ts'
import { createUploadStore } from '../src/features/assets/uploads.store.ts'
import { type Database, openDatabase } from '../src/kernel/db.ts'
import { type House, startHouse } from './support/house.ts'
import { explaining } from './support/plans.ts'

/** 400 people with 50 assets of two versions each, and an upload under way. */
const people = 400
const each = 50
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const owner = { project: 'default', subject: 'person-7' }
const idOf = (person: number, number: number) => `asset_${String(person * each + number).padStart(26, '0')}`

let house: House
let database: Database

beforeAll(async () => {
  house = await startHouse()
  database = openDatabase({ connection: { url: house.databaseUrl }, log: silent })
  const fill = new pg.Client({ connectionString: house.databaseUrl })
  await fill.connect()
  await fill.query(`SET headgate.scope = '*'; CREATE TEMP TABLE made AS
    SELECT p, a, 'person-' || p AS subject, 'asset_' || lpad((p * ${each} + a)::text, 26, '0') AS asset_id,
        encode(sha256((p * ${each} + a)::text::bytea), 'hex') AS digest
      FROM generate_series(1, ${people}) p, generate_series(0, ${each - 1}) a`)
  for (const rows of [
    `asset_owners SELECT 'default', subject, sum(1000) FROM made GROUP BY subject`,
    `assets (project_id, asset_id, subject, details, version) SELECT 'default', asset_id, subject, '\\x00', 2 FROM made`,
    `asset_blobs (project_id, digest, bytes) SELECT 'default', digest, 500 FROM made`,
    `asset_versions (project_id, asset_id, version, digest, bytes, type, was_scanned)
      SELECT 'default', asset_id, v, digest, 500, 'image/png', false FROM made, generate_series(1, 2) v`,
    `asset_chunks SELECT 'default', digest, 0, digest, digest, 500 FROM made`,
    `asset_uploads (project_id, upload_id, subject, asset_id, is_new, role, details, length, expires_at)
      SELECT 'default', 'upload_' || asset_id, subject, asset_id, true, 'whole', '\\x00', 1,
        now() + (a * 400 + p - 10) * interval '1 hour' FROM made WHERE a < 10`,
    `asset_doomed SELECT 'default', digest, now() + (a * 400 + p - 10) * interval '1 hour' FROM made WHERE a < 10`,
  ])
    await fill.query(`INSERT INTO headgate.${rows}`)
  await fill.query('VACUUM ANALYZE')
  await fill.end()
}, 120_000)
afterAll(async () => {
  await database.close()
  await house.stop()
})

const { database: spying, take } = explaining(() => database, /\bheadgate\.asset/)
const seal = {
  seal: async () => Buffer.from('00', 'hex'),
  open: async () => '{"name":"x","metadata":{}}',
  openBytes: async () => Buffer.alloc(0),
}
const store = createAssetStore(spying, seal)
const uploads = createUploadStore(spying, seal)
const chunks = createChunkStore(spying, seal)
const upload = { ...owner, id: 'upload_new', assetId: idOf(7, 3), isNew: true, role: 'whole', length: 9 } as const
const details = { name: 'x', metadata: {} }
const forget = createForgetOwner({ database: spying, assets: store, uploads, onDropped: () => {} })

it.each<[string, string, () => Promise<unknown>]>([
  ['a list', 'assets_owner', () => store.list(owner, undefined, 21)],
  ['the next page', 'assets_owner', () => store.list(owner, idOf(7, 30), 21)],
  ['an asset', 'assets_', () => store.get(owner, idOf(7, 3))],
  ['its versions', 'asset_versions_pkey', () => store.versions(owner, idOf(7, 3))],
  ['what an address grants', 'asset_versions_pkey', () => store.granted('default', idOf(7, 3), 1)],
  ['room', 'asset_owners_pkey', () => store.used(owner)],
  ['its bytes', 'asset_chunks_pkey', () => chunks.of('default', 'a'.repeat(64))],
  ['a change', 'assets_', () => store.change(owner, idOf(7, 3), { name: 'y' })],
  ['an erasure', 'asset_versions_blob', () => store.remove(owner, idOf(7, 3))],
  ['an upload', 'asset_uploads_pkey', () => uploads.get(owner, `upload_${idOf(7, 3)}`)],
  ['its beginning', 'Insert on asset_uploads', () => uploads.add({ ...upload, details }, 1e9, 60)],
  ['its end', 'asset_chunks_pkey', () => uploads.remove(owner, `upload_${idOf(7, 3)}`)],
  ['uploads that have expired', 'asset_uploads_expiry', () => uploads.expire()],
  ['objects that are due', 'asset_doomed_due', () => chunks.erase(async () => true)],
  ['all that an owner has', 'asset_uploads_owner', () => forget(owner)],
])('%s is found by %s', async (_name, index, work) => {
  await work()
  const all = take()
  expect(all).toContain(index)
  expect(all).not.toMatch(/Seq Scan on asset/)
})
