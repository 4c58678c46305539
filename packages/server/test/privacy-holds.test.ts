import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Erasure } from '@headgate/contract/privacy.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { journalLine } from '../src/features/privacy/erasure-journal.ts'
import { dataMap } from '../src/features/privacy/map/map.ts'
import { createReceiptSigner } from '../src/features/privacy/receipt.ts'
import { replayErasures } from '../src/features/privacy/replay-erasures.ts'
import { type Database, openDatabase } from '../src/kernel/db.ts'
import { silentLog } from '../src/kernel/log.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { expectFetchedError } from './input/error-shape.ts'
import { type House, startHouse } from './support/house.ts'

const bob = 'bob-canarybird'
let house: House
let direct: Database
let key: string

beforeAll(async () => {
  house = await startHouse({ environment: { HEADGATE_RETENTION_ERASURE_SETTLE_MINUTES: '0' } })
  direct = openDatabase({ connection: { url: house.databaseUrl }, log: silentLog })
  key = (await house.makeKey()).key
}, 60_000)
afterAll(async () => {
  await direct.close()
  await house.stop()
})

const call = (path: string, user: string, options: RequestInit = {}) =>
  fetch(house.url + path, {
    ...options,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-headgate-user': user },
  })
const post = (path: string, user: string, body: object) =>
  call(path, user, { method: 'POST', body: JSON.stringify(body) })
const json = async <T>(answer: Promise<Response>): Promise<T> => {
  const given = await answer
  const text = await given.text()
  expect(given.status, text).toBeLessThan(300)
  return JSON.parse(text) as T
}

it('an erasure waits for a legal hold, says so, and goes on when it is released', async () => {
  const cleo = 'cleo-canarybird'
  await json(post('/v1/sessions', cleo, { title: 'Kept' }))
  const hold = (fields: object) =>
    house.request('/admin/v1/privacy/holds', { body: { project: 'default', reason: 'Case 17', ...fields } })
  await expectFetchedError(await hold({ expires_at: '2020-01-01T00:00:00Z' }), 'invalid_parameter')
  const { id } = await json<{ id: string }>(hold({ user: cleo, expires_at: '2999-01-01T00:00:00Z' }))
  const begun = await json<Erasure>(post('/v1/privacy/erasures', cleo, {}))
  expect(begun).toMatchObject({ state: 'held', held_until: '2999-01-01T00:00:00.000Z', passes: 0, erased: {} })
  expect(await json(call('/v1/sessions', cleo))).toMatchObject({ data: [{ title: 'Kept' }] })
  // It is of this person alone.
  expect(await json(post('/v1/privacy/erasures', 'nobody-canarybird', {}))).toMatchObject({ state: 'settling' })
  const release = () => house.request(`/admin/v1/privacy/holds/${id}`, { method: 'DELETE' })
  expect(await json(release())).toMatchObject({ is_open: false })
  await expectFetchedError(await release(), 'legal_hold_not_found')
  await vi.waitFor(async () => expect(await json(call('/v1/sessions', cleo))).toMatchObject({ data: [] }), 5_000)
})

it('what was erased after a backup is erased again when the journal is replayed, and what came later stays', async () => {
  const dora = 'dora-canarybird'
  const ports = () => {
    const signer = createReceiptSigner(pepper)
    const erased: string[] = []
    const erase = async ({ user }: { user: string }) => {
      erased.push(user)
      return {} as Erasure
    }
    const digestOf = ({ project, user }: { project: string; user: string }) =>
      createHmac('sha256', pepper)
        .update(JSON.stringify(['headgate/erasure/1', project, user]))
        .digest()
    return { erased, ports: { database: direct, map: dataMap, signer, digestOf, erase } }
  }
  const pepper = Buffer.alloc(32, 7)
  const { erased, ports: given } = ports()
  await json(post('/v1/sessions', dora, {}))
  const entry = (erasure: string, user: string) =>
    journalLine(
      {
        ...{ erasure, project: 'default', pseudonym: 'erased-1', at: '2026-01-31T09:15:00.000Z' },
        subject: given.digestOf({ project: 'default', user }).toString('hex'),
      },
      given.signer,
    )
  // The one before, which has nothing to wait for.
  await vi.waitFor(async () => {
    const nobody = await json<Erasure>(post('/v1/privacy/erasures', 'nobody-canarybird', {}))
    expect((await json<Erasure>(house.request(`/admin/v1/privacy/erasures/${nobody.id}`))).passes).toBeGreaterThan(0)
    const rows = await queryDatabase(
      house.databaseUrl,
      'SELECT 1 FROM headgate.privacy_erasures WHERE done_at IS NOT NULL',
    )
    expect(rows.length).toBeGreaterThan(0)
  }, 10_000)
  const [done] = await queryDatabase<{ id: string }>(
    house.databaseUrl,
    `SELECT erasure_id AS id FROM headgate.privacy_erasures WHERE done_at IS NOT NULL LIMIT 1`,
  )
  const lines = [
    '',
    entry('era_1', dora),
    entry(done?.id ?? 'era_0', bob),
    entry('era_2', 'gone-long-ago'),
    '{"entry":"{',
  ]
  expect(await replayErasures(given, lines)).toEqual({ known: 1, missing: 2, people: 1 })
  expect(erased).toEqual([dora])
  const forged = entry('era_3', bob).replace('era_3', 'era_4')
  await expect(replayErasures(given, [entry('era_1', dora), forged])).rejects.toThrow('does not have the signature')
  expect(erased).toEqual([dora])
  // The house's own journal names nobody and has a line for each erasure.
  const journal = readFileSync(join(house.dataDirectory, 'erasures.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  expect(journal.length).toBeGreaterThanOrEqual(3)
  expect(journal.join('')).not.toContain('canarybird')

  // Through the door: what this database knows is left alone; a line that was changed stops all of it.
  const replay = (lines: readonly string[]) =>
    house.request('/admin/v1/privacy/erasures/replay', { body: { journal: lines.join('\n') } })
  const all = await json<{ known: number; missing: number; people: number }>(replay(journal))
  expect(all).toMatchObject({ object: 'erasures_replayed', people: 0 })
  expect(all.known).toBeGreaterThan(0)
  expect(all.known + all.missing).toBe(journal.length)
  await queryDatabase(house.databaseUrl, 'DELETE FROM headgate.privacy_erasures')
  await json(post('/v1/sessions', 'nobody-canarybird', {}))
  const again = await json<{ people: number }>(replay(journal))
  expect(again).toMatchObject({ known: 0, missing: journal.length })
  expect(again.people).toBeGreaterThan(0)
  expect(await json(call('/v1/sessions', 'nobody-canarybird'))).toMatchObject({ data: [] })
  expect((await replay([forged])).status).toBe(400)
})
