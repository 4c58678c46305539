import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Hold } from '../../domain/hold.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { DatabaseUnavailable } from '../../kernel/db-errors.ts'
import { type FaultPoints, noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { JournalFault, openJournal } from './journal.ts'
import { intentLine, outcomeLine, readLine } from './journal-records.ts'
import { createLedger } from './ledger.ts'
import { openProgress, readProgress } from './progress.ts'
import { recover } from './recovery.ts'
import { type LedgerRow, type Reservation, toRow } from './row.ts'
import { keyBudget, sampleIntent, sampleSettlement } from './test/samples.ts'

/** Runs a program of the system, where it is there and allowed. */
const system = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headgate-journal-'))
})
let mountPoint: string | null = null
afterEach(async () => {
  if (mountPoint) system('umount', '-l', mountPoint)
  mountPoint = null
  await rm(directory, { recursive: true, force: true })
})

const open = (faultPoints: FaultPoints = noFaults, segmentBytes?: number) =>
  openJournal({ directory, clock: systemClock, faultPoints, log: silentLog, segmentBytes })

const reservation: Reservation = {
  budgetId: 'bud_1',
  leaseId: 'lea_1',
  windowStart: 0,
  amount: 9_007_199_254_740_993n,
  targets: null,
}
const ofProject: Reservation = { ...reservation, budgetId: 'web:"1"', leaseId: 'lea_2', windowStart: 3_600_000 }
const ofModel: Reservation = { ...reservation, budgetId: 'big', leaseId: 'lea_3', targets: ['up/a', 'up/"b"'] }
const logs = () => readdirSync(directory).filter((name) => name.endsWith('.log') && name !== 'refused.log')

const readAll = async (journal: ReturnType<typeof open>) => {
  const records = []
  let position = { segment: journal.inherited[0] ?? journal.current(), offset: 0 }
  for (;;) {
    const { lines, next } = await journal.read(position)
    records.push(...lines.map(readLine))
    if (next === position) return records
    position = next
  }
}

test('records come back as they were written', () => {
  const intent = sampleIntent({ user: 'zoë \u2028 "x"', worstCase: 9_007_199_254_740_993n })
  for (const reservations of [[], [reservation], [reservation, ofProject, ofModel]]) {
    const row = toRow(intent, reservations, sampleSettlement({ cost: null }))
    expect(readLine(intentLine(intent, reservations, 3, 7).trimEnd())).toEqual({
      kind: 'intent',
      intent,
      reservations,
      slot: 3,
      tag: 7,
    })
    expect(readLine(outcomeLine(row).trimEnd())).toEqual({ kind: 'outcome', row })
  }
  const row = toRow(intent, [reservation], sampleSettlement())
  expect(readLine(outcomeLine(row).trimEnd().replace('up/', 'un/'))).toBeNull()
})

test('lines of a version that knew one budget at most are read', () => {
  const line = (json: string) => `${crc32(json).toString(16).padStart(8, '0')} ${json}`
  const { budgets: _, worstCase, rates, ...call } = sampleIntent()
  const intent = JSON.stringify({
    t: 'i',
    ...call,
    budgetId: 'bud_1',
    worstCase: String(worstCase),
    rates: rates && { input: String(rates.input), output: String(rates.output), perRequest: String(rates.perRequest) },
    reservation: { leaseId: 'lea_1', windowStart: 1_700_000_000_000, amount: '1000000' },
    slot: 1,
    tag: 2,
  })
  expect(readLine(line(intent))).toEqual({
    kind: 'intent',
    intent: { ...call, budgets: [], worstCase, rates },
    reservations: [
      { budgetId: 'bud_1', leaseId: 'lea_1', windowStart: 1_700_000_000_000, amount: 1_000_000n, targets: null },
    ],
    slot: 1,
    tag: 2,
  })
  expect(readLine(line(intent.replace(/"reservation":\{[^}]*\}/, '"reservation":null')))).toMatchObject({
    reservations: [],
  })
})

test('torn and damaged lines are skipped, whatever stands around them is kept', async () => {
  const first = open()
  const rows = [1, 2, 3].map(() => toRow(sampleIntent(), [], sampleSettlement()))
  for (const row of rows) first.append(outcomeLine(row))
  await first.close()
  const path = join(directory, logs()[0] as string)
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, [lines[0], (lines[1] as string).replace('complete', 'COMPLETE'), lines[2], lines[0]].join('\n'))
  // Every possible cut of the last line.
  const whole = statSync(path).size
  for (const cut of [1, 7, 8, 9, 100, (lines[0] as string).length - 1]) {
    truncateSync(path, whole - cut)
    const journal = open()
    const records = await readAll(journal)
    expect(records.map((record) => record?.kind === 'outcome' && record.row.id)).toEqual([
      rows[0]?.id,
      false,
      rows[2]?.id,
    ])
    await journal.close()
  }
})

test('recovery may be killed and begun again: each open call is settled with the parts it was marked with', async () => {
  const first = open()
  const progress = openProgress(directory, first.first)
  const intents = [0, 1, 2, 3].map((parts) => {
    const intent = sampleIntent()
    const { slot, tag } = progress.take()
    first.append(intentLine(intent, [], slot, tag))
    if (parts > 0) progress.write(slot, tag, parts)
    return intent
  })
  // A slot used before by another call: its mark must not count for the next one.
  const used = progress.take()
  progress.write(used.slot, used.tag, 99)
  progress.free(used.slot)
  const reused = progress.take()
  expect(reused.slot).toBe(used.slot)
  const unmarked = sampleIntent()
  first.append(intentLine(unmarked, [], reused.slot, reused.tag))
  appendFileSync(join(directory, logs()[0] as string), '00000000 {"t":"i","id":"torn')
  progress.close()
  await first.close()

  let passed = 0
  const dying: FaultPoints = {
    pass: (name) => {
      if (name === 'ledger.before-recovery-outcome' && ++passed === 3) throw new Error('killed')
    },
  }
  const second = open()
  await expect(recover(directory, second, dying)).rejects.toThrow('killed')
  await second.close()
  const third = open()
  expect(await recover(directory, third, noFaults)).toMatchObject({ killed: 3 })
  const records = await readAll(third)
  const outcomes = records.flatMap((record) => (record?.kind === 'outcome' ? [record.row] : []))
  const parts = new Map(outcomes.map((row: LedgerRow) => [row.id, row.outputTokens]))
  expect(outcomes).toHaveLength(5)
  expect(intents.map(({ id }) => parts.get(id))).toEqual([0, 1, 2, 3])
  expect(parts.get(unmarked.id)).toBe(0)
  expect(readProgress(directory, third.current()).tokensOf(1, 0, 1)).toBe(0)
  await third.close()
})

test('segments go when nothing needs them, the oldest first', async () => {
  const journal = open(noFaults, 1_000)
  const segments: number[] = []
  for (let index = 0; index < 6; index++) {
    segments.push(journal.append(outcomeLine(toRow(sampleIntent(), [], sampleSettlement()))))
    journal.append(outcomeLine(toRow(sampleIntent(), [], sampleSettlement())))
    journal.pin(segments.at(-1) as number)
    await journal.sync()
  }
  const before = logs().length
  expect(before).toBeGreaterThan(4)
  journal.unpin(segments[1] as number)
  expect(journal.stats().segments).toBe(before)
  journal.unpin(segments[0] as number)
  expect(journal.stats().segments).toBeLessThan(before)
  for (const segment of segments.slice(2)) journal.unpin(segment)
  expect(journal.stats().segments).toBe(1)
  await expect.poll(() => logs().length).toBe(1)
  await journal.close()
})

test('after a failed sync nothing is acknowledged until every unconfirmed line is written anew', async () => {
  let broken = true
  const journal = open({
    pass: (name) => {
      if (broken && name === 'ledger.journal-sync') throw Object.assign(new Error('EIO'), { code: 'EIO' })
    },
  })
  const rows = [1, 2].map(() => toRow(sampleIntent(), [], sampleSettlement()))
  for (const row of rows) journal.append(outcomeLine(row))
  await expect(journal.sync()).rejects.toThrow(JournalFault)
  expect(() => journal.append(outcomeLine(rows[0] as LedgerRow))).toThrow(JournalFault)
  expect(journal.stats().state).toBe('failing')
  // What the system may have dropped from its cache is gone for good here.
  truncateSync(join(directory, logs()[0] as string), 0)
  broken = false
  await expect.poll(() => journal.stats().state, { timeout: 5_000 }).toBe('ok')
  const found = (await readAll(journal)).flatMap((record) => (record?.kind === 'outcome' ? [record.row.id] : []))
  expect(found).toEqual(rows.map(({ id }) => id))
  await journal.close()
})

const away = (): Database => {
  const fail = async () => {
    throw new DatabaseUnavailable('away')
  }
  return { read: fail, transaction: fail } as unknown as Database
}

test('a full disk: calls without a budget are served and counted, calls with one refused; space brings it back', async () => {
  const mount = join(directory, 'small')
  mkdirSync(mount)
  const mounted = system('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount)
  if (mounted) mountPoint = mount
  // Where no small disk can be made, the write itself reports what a full one would.
  let full = false
  const ledger = createLedger({
    database: away(),
    journalDirectory: join(mount, 'journal'),
    clock: systemClock,
    faultPoints: {
      pass: (name) => {
        if (full && name === 'ledger.journal-write') throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      },
    },
    log: silentLog,
  })
  await ledger.start()
  const call = () => {
    const hold = ledger.reserve(sampleIntent()) as Hold
    hold.mark(1)
    hold.settle(sampleSettlement())
  }
  call()
  if (mounted) {
    const filler = join(mount, 'filler')
    writeFileSync(filler, '')
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(4096))
    } catch (cause) {
      expect(cause).toMatchObject({ code: 'ENOSPC' })
    }
  }
  full = !mounted
  for (let index = 0; index < 50; index++) call()
  expect(ledger.stats()).toMatchObject({ journal: 'failing', lostRows: 0, queued: 51 })
  expect(ledger.stats().droppedRecords).toBeGreaterThan(80)
  expect(() => ledger.reserve(sampleIntent({ budgets: [keyBudget('any')] }))).toThrow(
    expect.objectContaining({ code: 'journal_unavailable' }),
  )
  if (mounted) await rm(join(mount, 'filler'))
  full = false
  await expect.poll(() => ledger.stats().journal, { timeout: 5_000 }).toBe('ok')
  const dropped = ledger.stats().droppedRecords
  call()
  expect(ledger.stats().droppedRecords).toBe(dropped)
  await ledger.stop()
})

test('what was written leaves the disk when the journal is renewed and nothing needs it', async () => {
  const journal = open()
  try {
    journal.keepFrom(null)
    journal.append('first\n')
    journal.renew()
    await journal.sync()
    journal.renew()
    await vi.waitFor(() => expect(logs()).toHaveLength(1))
    expect(readFileSync(join(directory, logs()[0] as string), 'utf8')).toBe('')
    journal.append('second\n')
    await journal.sync()
    expect(readFileSync(join(directory, logs()[0] as string), 'utf8')).toBe('second\n')
  } finally {
    await journal.close()
  }
})
