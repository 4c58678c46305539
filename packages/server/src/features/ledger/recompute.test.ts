import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Recomputation } from '@headgate/contract/recompute.ts'
import type { UsageDetail } from '@headgate/contract/usage.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/database.ts'
import { type House, startHouse } from '../../../test/support/house.ts'
import { administer } from '../../../test/support/services.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { putBudget } from './budgets.store.ts'
import { createEntryStore } from './entries.store.ts'
import { createRecompute } from './recompute.ts'
import { toRow } from './row.ts'
import { sampleIntent, sampleSettlement } from './test/samples.ts'
import { verifyLedger } from './verify.ts'

const model = 'up/gpt-4o-mini'
const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)

let house: House
let database: Database
beforeAll(async () => {
  house = await startHouse({ config: { budgets: { all: { level: 'project', limit_usd: '9', window: 'day' } } } })
  database = openDatabase({ connection: { url: house.databaseUrl }, log: silentLog, poolSize: 1 })
})
afterAll(async () => {
  await database.close()
  await house.stop()
})

const read = async (path: string, options?: Parameters<House['request']>[1]) => {
  const answer = await house.request(path, options)
  expect(answer.status, await answer.clone().text()).toBe(200)
  return (await answer.json()) as Record<string, unknown>
}
const recompute = async (body: Readonly<Record<string, unknown>>) =>
  (await read('/admin/v1/ledger/recompute', {
    body: { from: day(-1), to: day(1), ...body },
  })) as unknown as Recomputation
const doubled = { [model]: { price: { input: 2, output: '4' } } }
const nano = (usd: unknown): bigint => BigInt(Math.round(Number(usd) * 1e9))

test('a wrong price is mended by corrections that budgets, sums and reports follow; done again, nothing is left to do', async () => {
  const { id, key } = await house.makeKey({ budget: { limit_usd: '5', window: 'total' } })
  const ids: string[] = []
  for (let count = 0; count < 3; count++) {
    const messages = [{ role: 'user', content: 'Hello' }]
    const answer = await house.request('/v1/chat/completions', {
      key,
      body: { model, max_tokens: 5 + count, messages },
    })
    expect(answer.status).toBe(200)
    ids.push(answer.headers.get('x-request-id') ?? '')
  }
  await house.settled()
  const figures = async () => {
    const usage = await read('/v1/usage', { key })
    const budget = (await read(`/admin/v1/keys/${id}`))['budget'] as { spent_usd: string }
    const { accounts } = (await read('/admin/v1/budgets/all')) as { accounts: { spent_usd: string }[] }
    const report = (await read('/admin/v1/usage?group_by=model'))['data'] as { group: string; cost_usd: string }[]
    return [
      (usage['totals'] as { cost_usd: string }).cost_usd,
      budget.spent_usd,
      accounts[0]?.spent_usd,
      report.find(({ group }) => group === model)?.cost_usd,
    ].map(nano)
  }
  const [before = 0n, ...others] = await figures()
  expect(before).toBeGreaterThan(0n)
  expect(others).toEqual([before, before, before])

  const dry = await recompute({ prices: doubled })
  expect(dry).toMatchObject({ applied: false, has_more: false, data: [{ model, calls: 3, corrected: 3, unpriced: 0 }] })
  expect(dry.examples.map(({ id }) => id)).toEqual(ids)
  expect(nano(dry.data[0]?.difference_usd)).toBe(before)
  expect(await figures()).toEqual([before, before, before, before])

  const applied = await recompute({ prices: doubled, apply: true, reason: 'The list was of last year' })
  expect(applied).toMatchObject({ ...dry, applied: true })
  const after = [before * 2n, before * 2n, before * 2n, before * 2n]
  expect(await figures()).toEqual(after)
  expect((await verifyLedger(database)).findings).toEqual([])
  expect((await recompute({ prices: doubled, apply: true })).data[0]).toMatchObject({
    corrected: 0,
    difference_usd: '0',
  })
  expect(await figures()).toEqual(after)

  const detail = (await read(`/v1/usage/${ids[0]}`, { key })) as unknown as UsageDetail
  expect(detail.corrections).toEqual([
    {
      amount_usd: detail.cost_usd,
      price_version: expect.stringContaining('configuration/'),
      created_at: expect.any(String),
    },
  ])
  const audit = (await read('/admin/v1/audit?limit=100'))['data'] as { action: string; reason: string; after: object }[]
  expect(audit.filter(({ action }) => action === 'ledger.recomputed')).toMatchObject([
    { actor: 'admin', reason: 'The list was of last year', after: { corrections: 3 } },
  ])
  // At the configured price they cost what they did, which is a correction of the corrections.
  expect((await recompute({ apply: true, model: 'up/*' })).data[0]).toMatchObject({ corrected: 3 })
  expect(await figures()).toEqual([before, before, before, before])
  expect((await verifyLedger(database)).findings).toEqual([])
})

test('a price holds from its date on; other models and other times are left alone', async () => {
  const coming = { [model]: { prices: { [day(1)]: { input: 9, output: 9 } }, price: { input: 1, output: 2 } } }
  expect((await recompute({ prices: coming })).data[0]).toMatchObject({ model, corrected: 0 })
  const held = { [model]: { prices: { [day(-1)]: { input: 9, output: 9 } }, price: { input: 1, output: 2 } } }
  expect((await recompute({ prices: held })).data[0]?.corrected).toBeGreaterThan(0)
  expect((await recompute({ prices: doubled, model: 'up/gpt-4o' })).data).toEqual([])
  expect((await recompute({ prices: doubled, from: day(-9), to: day(-8) })).data).toEqual([])
  const wrong = await house.request('/admin/v1/ledger/recompute', {
    body: { from: day(0), to: day(1), prices: { [model]: { prices: { '2026-02-30': { input: 1, output: 1 } } } } },
  })
  expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('is no day of the calendar')])
})

test('the command line says what differs, corrects with --apply, and reads prices from a file', async () => {
  const cli = fileURLToPath(new URL('../../cli.ts', import.meta.url))
  const file = join(house.dataDirectory, 'prices.yaml')
  await writeFile(file, `models:\n  ${model}:\n    price: {input: 3, output: 6}\n`)
  const run = async (...words: string[]) => {
    const line = [cli, 'ledger', 'recompute', '--from', day(-1), '--to', day(1), '--price-file', file, ...words]
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...line, '--database-url', house.databaseUrl, '--data-dir', house.dataDirectory],
      {
        cwd: house.dataDirectory,
        env: { PATH: process.env['PATH'], HEADGATE_PROFILE: 'testing', HEADGATE_ROOT_KEY: '' },
        timeout: 60_000,
      },
    )
    return stdout
  }
  expect(await run()).toMatch(/3 calls differ by 0\.\d+ USD in all\. Nothing is written/)
  expect(JSON.parse(await run('--apply', '--json'))).toMatchObject({ applied: true, data: [{ corrected: 3 }] })
  expect((await verifyLedger(database)).findings).toEqual([])
}, 90_000)

test('cut between two batches and run by two at once, it doubles nothing and the next run finishes', async () => {
  const home = await freshDatabase()
  const own = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 4 })
  for (const budget of ['b', 'c'])
    await own.transaction('system', (transaction) =>
      putBudget(transaction, { id: budget, projectId: 'default', limit: 900_000_000_000n, window: 'total' }),
    )
  await administer(
    home.url,
    `INSERT INTO headgate.budget_windows (budget_id, window_start, project_id) VALUES ('b', 'epoch', 'default'), ('c', 'epoch', 'default')`,
  )
  const reservation = { budgetId: 'b', leaseId: 'none', windowStart: 0, amount: 0n, targets: null }
  const from = Date.now() - 3_600_000
  const rows = Array.from({ length: 1_200 }, (_, index) =>
    toRow(
      sampleIntent({ id: `req_${index}`, at: from + (index >> 2) }),
      [reservation, { ...reservation, budgetId: 'c', leaseId: 'none-2' }],
      sampleSettlement({ cost: 1_000n }),
    ),
  )
  await createEntryStore(own, noFaults).write(rows)
  let passes = 0
  const build = (pass: () => void) =>
    createRecompute({
      database: own,
      clock: systemClock,
      faultPoints: { pass },
      audit: { record: async () => {} },
      pricing: () => () => ({ cost: 2_500n, version: 'list/2' }),
    })
  const range = { from: new Date(from).toISOString(), to: new Date(from + 3_600_000).toISOString(), apply: true }
  const state = async () => {
    const { rows: sums } = await own.read('system', ({ query }) =>
      query<{ corrections: bigint; spent: bigint; hours: bigint }>(
        `SELECT (SELECT count(*) FROM headgate.ledger_entries WHERE kind = 'correction') AS corrections,
                (SELECT sum(spent_nano)::bigint FROM headgate.budget_windows) AS spent,
                (SELECT sum(cost_nano)::bigint FROM headgate.usage_hours) AS hours`,
      ),
    )
    expect((await verifyLedger(own)).findings).toEqual([])
    return sums[0]
  }
  const dying = build(() => {
    passes++
    if (passes === 2) throw new Error('killed')
  })
  await expect(dying.run(range, { actor: 'cli' })).rejects.toThrow('killed')
  expect(await state()).toEqual({ corrections: 500n, spent: 3_900_000n, hours: 1_950_000n })
  const two = [build(() => {}), build(() => {})]
  const found = await Promise.all(two.map(({ run }) => run(range, { actor: 'cli' })))
  expect(found.reduce((sum, { data }) => sum + (data[0]?.corrected ?? 0), 0)).toBe(700)
  expect(await state()).toEqual({ corrections: 1_200n, spent: 6_000_000n, hours: 3_000_000n })

  const paged = await build(() => {}).run(range, { actor: 'cli' }, 700)
  expect(paged).toMatchObject({ has_more: true, data: [{ calls: 700, corrected: 0 }] })
  const rest = await build(() => {}).run({ ...range, after: String(paged.next_cursor) }, { actor: 'cli' }, 700)
  expect(rest).toMatchObject({ has_more: false, next_cursor: null, data: [{ calls: 500 }] })
  await own.close()
  await home.drop()
})
