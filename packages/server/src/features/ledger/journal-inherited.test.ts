import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Hold } from '../../domain/hold.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { DatabaseUnavailable } from '../../kernel/db-errors.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { openJournal } from './journal.ts'
import { intentLine, outcomeLine } from './journal-records.ts'
import { createLeaseStore } from './leases.store.ts'
import { createLedger } from './ledger.ts'
import { toRow } from './row.ts'
import { sampleIntent, sampleSettlement } from './test/samples.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headgate-inherited-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const fail = async () => {
  throw new DatabaseUnavailable('away')
}
const away = { read: fail, transaction: fail } as unknown as Database
const segments = () => readdirSync(directory).filter((name) => name.endsWith('.log'))
const open = (folder: string) =>
  openJournal({ directory: folder, clock: systemClock, faultPoints: noFaults, log: silentLog })

test('what an earlier process left stays until it is taken up, though rows of this one come and go', async () => {
  const settled = toRow(sampleIntent(), [], sampleSettlement())
  const cut = sampleIntent()
  const first = open(directory)
  first.append(intentLine(cut, [], -1, 1))
  first.append(outcomeLine(settled))
  await first.close()

  let broken = true
  const written = new Set<string>()
  const after = (milliseconds: number, callback: () => void) => systemClock.after(milliseconds / 10, callback)
  const ledger = createLedger({
    database: away,
    journalDirectory: directory,
    clock: { ...systemClock, after },
    faultPoints: {
      pass: (name) => {
        if (broken && name === 'ledger.journal-sync') throw Object.assign(new Error('EIO'), { code: 'EIO' })
      },
    },
    log: silentLog,
    queueLimit: 1,
    stores: (replicaId, epoch) => ({
      entries: {
        write: async (rows) => rows.reduce((count, { id }) => (written.add(id), count + 1), 0),
        ensurePartitions: async () => undefined,
      },
      leases: createLeaseStore(away, replicaId, epoch, noFaults),
    }),
  })
  await ledger.start()
  broken = false
  await expect.poll(() => ledger.stats().journal, { interval: 5 }).toBe('ok')
  const own = [1, 2, 3].map(() => {
    const hold = ledger.reserve(sampleIntent()) as Hold
    hold.settle(sampleSettlement())
    return hold.intent.id
  })
  await ledger.flush()
  expect([...written].sort()).toEqual(own.sort())
  for (const { id } of [settled, cut]) await expect.poll(() => written, { timeout: 5_000 }).toContain(id)
  await expect.poll(() => segments().length).toBe(1)
  await ledger.stop()
})

test('two replicas whose ids a power cut tore have different ones', async () => {
  const folders = ['one', 'other'].map((name) => join(directory, name))
  const torn = 'rep_01Q5'
  const ids = await Promise.all(
    folders.map(async (folder) => {
      mkdirSync(folder)
      writeFileSync(join(folder, 'replica'), torn)
      const journal = open(folder)
      await journal.close()
      const again = open(folder)
      await again.close()
      expect(again.replicaId).toBe(journal.replicaId)
      return journal.replicaId
    }),
  )
  expect(new Set([torn, ...ids])).toHaveLength(3)
})
