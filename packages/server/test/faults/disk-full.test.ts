import { startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freshDatabase } from '../support/database.ts'
import { startHouse } from '../support/house.ts'
import { temporaryDirectory } from '../support/services.ts'
import { ask, askStream, type Door } from './support/ask.ts'
import { callsOf } from './support/calls-of.ts'
import { isAlive, startGateway } from './support/gateway-process.ts'
import { ledgerRows } from './support/ledger-rows.ts'
import { until } from './support/load.ts'
import { readMetric } from './support/metric.ts'

const budget = { budget: { limit_usd: '5', window: 'total' } }
const dropped = (url: string) => readMetric(url, 'headgate_journal_dropped_records')

/** With a full disk: no budget without its journal; all else is served, and what could not be written is counted. */
const expectWhileFull = async (door: Door, budgeted: Door) => {
  const before = await dropped(door.url)
  expect(await ask(door, 'up/gpt-4o-mini')).toMatchObject({ status: 200 })
  expect(await askStream(door, 'up/gpt-4o-mini')).toMatchObject({ status: 200, done: true })
  const refused = await ask(budgeted, 'up/gpt-4o-mini')
  expect(refused).toMatchObject({ status: 503, code: 'journal_unavailable' })
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await dropped(door.url)).toBeGreaterThan(before)
  const ready = await fetch(`${door.url}/readyz`)
  expect(ready.status).toBe(503)
  expect((await fetch(`${door.url}/livez`)).status).toBe(200)
}

const expectRecovered = async (door: Door, budgeted: Door) => {
  await until('budgets are served again', async () => (await ask(budgeted, 'up/gpt-4o-mini')).status === 200)
  await until('it is ready again', async () => (await fetch(`${door.url}/readyz`)).status === 200)
}

describe('a journal whose disk takes nothing', () => {
  it.each(['ledger.journal-write', 'ledger.journal-sync'])('%s fails: budgets stop, calls go on', async (point) => {
    let isBroken = false
    const house = await startHouse({
      overrides: {
        faultPoints: {
          pass: (name) => {
            if (isBroken && name === point) throw Object.assign(new Error('injected'), { code: 'EIO' })
          },
        },
      },
    })
    try {
      const door: Door = { url: house.url, key: (await house.makeKey()).key }
      const budgeted: Door = { url: house.url, key: (await house.makeKey(budget)).key }
      expect((await ask(budgeted, 'up/gpt-4o-mini')).status).toBe(200)
      isBroken = true
      expect((await ask(door, 'up/gpt-4o-mini')).status).toBe(200)
      await until('the fault is noticed', async () => (await fetch(`${house.url}/readyz`)).status === 503)
      await expectWhileFull(door, budgeted)
      isBroken = false
      await expectRecovered(door, budgeted)
      await house.settled()
      const rows = await ledgerRows(house.databaseUrl)
      const served = callsOf(house.upstream).map(({ request_id }) => request_id ?? '')
      // The disk was gone, the process was not: what it held in memory reached PostgreSQL.
      expect(rows).toHaveLength(served.length)
      expect(new Set(rows.map(({ request_id }) => request_id))).toEqual(new Set(served))
    } finally {
      await house.stop()
    }
  })

  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)('on a real full disk, and again', async () => {
    const disk = join(await temporaryDirectory('disk'), 'small')
    await mkdir(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=0700', 'tmpfs', disk])
    expect(mounted.status, String(mounted.stderr)).toBe(0)
    const upstream = await startUpstream()
    const database = await freshDatabase()
    const start = () => startGateway({ databaseUrl: database.url, upstreamUrl: upstream.url, dataDirectory: disk })
    let gateway = await start()
    try {
      const door: Door = { url: gateway.url, key: (await gateway.makeKey()).key }
      const budgeted: Door = { url: gateway.url, key: (await gateway.makeKey(budget)).key }
      expect((await ask(budgeted, 'up/gpt-4o-mini')).status).toBe(200)
      const ballast = join(disk, 'ballast')
      const fill = () => {
        for (const size of [65_536, 512, 1])
          for (;;) {
            try {
              writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' })
            } catch {
              break
            }
          }
      }
      for (let round = 0; round < 2; round += 1) {
        fill()
        await until('the disk is full', async () => {
          await ask(door, 'up/gpt-4o-mini')
          return (await fetch(`${gateway.url}/readyz`)).status === 503
        })
        await expectWhileFull(door, budgeted)
        rmSync(ballast)
        await expectRecovered(door, budgeted)
      }
      expect(isAlive(gateway.pid)).toBe(true)
      await gateway.kill()
      gateway = await start()
      const again: Door = { url: gateway.url, key: budgeted.key }
      expect((await ask(again, 'up/gpt-4o-mini')).status).toBe(200)
      gateway.signal('SIGTERM')
      expect(await gateway.ended).toBe(0)
      const ids = (await ledgerRows(database.url)).map(({ request_id }) => request_id)
      expect(new Set(ids).size).toBe(ids.length)
    } finally {
      await gateway.kill()
      await upstream.close()
      await database.drop()
      spawnSync('umount', ['-l', disk])
    }
  })
})
