import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Database, openDatabase } from '../../kernel/db.ts'
import { noFaults } from '../../kernel/fault-points.ts'
import { silentLog } from '../../kernel/log.ts'
import { putBudget } from './budgets.store.ts'
import { JournalInUse } from './journal-owner.ts'
import { createLedger } from './ledger.ts'
import type { WorkerTask } from './test/worker.ts'
import { verifyLedger } from './verify.ts'

const program = fileURLToPath(new URL('./test/worker.ts', import.meta.url))
const children = new Set<ChildProcess>()
let home: TestDatabase
let database: Database
let directory: string

beforeAll(async () => {
  home = await freshDatabase()
  database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 5 })
})
afterAll(async () => {
  await database.close()
  await home.drop()
})
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headgate-crash-'))
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

const startWorker = (given: Partial<WorkerTask>) => {
  const task: WorkerTask = { url: home.url, directory, budgetId: null, mode: 'load', calls: 20, ...given }
  const child = spawn(process.execPath, [program, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  const output: string[] = []
  let errors = ''
  let rest = ''
  child.stdout.on('data', (bytes) => {
    const lines = (rest + bytes).split('\n')
    rest = lines.pop() ?? ''
    output.push(...lines)
  })
  child.stderr.on('data', (bytes) => {
    errors += bytes
  })
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      children.delete(child)
      resolve()
    })
  })
  const heard = async (word: string) => {
    for (let waited = 0; !output.some((line) => line.startsWith(word)); waited += 10) {
      if (child.exitCode !== null || child.signalCode !== null || waited > 20_000)
        throw new Error(`not started: ${errors}`)
      await pause(10)
    }
  }
  return { child, output, ended, heard, errors: () => errors }
}

const makeBudget = (id: string, limit: bigint) =>
  database.transaction('system', (transaction) =>
    putBudget(transaction, { id, projectId: 'default', limit, window: 'total' }),
  )

const openLedger = () =>
  createLedger({ database, journalDirectory: directory, clock: systemClock, faultPoints: noFaults, log: silentLog })

/** What the killed processes said they did. */
const truthOf = (output: readonly string[]) => {
  const calls = new Map<string, { marked: number; cost: bigint | null }>()
  for (const line of output) {
    const [word, id = '', value = '0'] = line.split(' ')
    const known = calls.get(id)
    if (word === 'admitted') calls.set(id, { marked: 0, cost: null })
    else if (word === 'marked' && known) known.marked = Number(value)
    else if (word === 'settled' && known) known.cost = BigInt(value)
  }
  return calls
}

test('kill -9, again and again, also while recovering: nothing is lost, nothing counts twice', {
  timeout: 120_000,
}, async () => {
  await makeBudget('crash', 1_000_000_000_000_000n)
  const points = [
    'ledger.before-drain-commit',
    'ledger.after-drain-commit',
    'ledger.after-intent',
    'ledger.before-outcome',
    'ledger.after-outcome',
    'ledger.before-grant-commit',
    'ledger.before-recovery-outcome',
  ]
  const output: string[] = []
  for (let round = 0; round < 14; round++) {
    const point = round % 2 === 0 ? points[round / 2] : undefined
    const worker = startWorker({
      budgetId: 'crash',
      ...(point && { dieAt: { point, time: point.endsWith('-commit') ? 1 : 5 } }),
    })
    if (point) await Promise.race([worker.ended, pause(3_000)])
    else {
      await worker.heard('started')
      await pause(100 + Math.random() * 300)
    }
    worker.child.kill('SIGKILL')
    await worker.ended
    expect(worker.errors()).toBe('')
    output.push(...worker.output)
  }
  const truth = truthOf(output)
  expect(truth.size).toBeGreaterThan(100)

  const ledger = openLedger()
  await ledger.start()
  await ledger.flush()
  const { rows } = await database.read('system', ({ query }) =>
    query<{ request_id: string; outcome: string; estimated: boolean; output_tokens: bigint; cost_nano: bigint }>(
      'SELECT request_id, outcome, estimated, output_tokens, cost_nano FROM headgate.ledger_entries',
    ),
  )
  const found = new Map(rows.map((row) => [row.request_id, row]))
  expect(found.size).toBe(rows.length)
  for (const [id, call] of truth) {
    const row = found.get(id)
    expect(row, id).toBeDefined()
    if (!row) continue
    if (call.cost !== null) expect(row).toMatchObject({ outcome: 'complete', cost_nano: call.cost })
    else if (row.outcome === 'killed') {
      // Marked and not yet said: at most the next part.
      expect(Number(row.output_tokens) - call.marked).toBeOneOf([0, 1])
      // 100 tokens in at 1 USD, the parts at 2 USD per million, and 5 nano-USD for the call.
      expect(row.cost_nano).toBe(100_000n + row.output_tokens * 2_000n + 5n)
      expect(row.estimated).toBe(true)
    }
  }
  // Journaled before it could be said: one per process and caller at most.
  expect(rows.length - truth.size).toBeLessThan(14 * 20)
  expect(rows.some((row) => row.outcome === 'killed')).toBe(true)
  await expect
    .poll(async () => (await ledger.budgets.state(['crash'])).get('crash')?.reserved, { timeout: 15_000 })
    .toBe(0n)
  expect((await verifyLedger(database)).findings).toEqual([])
  await ledger.stop()
})

test('3 processes, 600 calls at once, a budget for 10: exactly 10 are admitted', { timeout: 60_000 }, async () => {
  await makeBudget('race', 10_000_000_000n)
  const workers = [1, 2, 3].map((number) =>
    startWorker({ mode: 'race', calls: 200, budgetId: 'race', directory: join(directory, String(number)) }),
  )
  await Promise.all(workers.map((worker) => worker.ended))
  const results = workers.map((worker) =>
    worker.output
      .find((line) => line.startsWith('race'))
      ?.split(' ')
      .map(Number),
  )
  expect(results.reduce((sum, result) => sum + (result?.[1] ?? 0), 0)).toBe(10)
  expect(results.reduce((sum, result) => sum + (result?.[2] ?? 0), 0)).toBe(590)
  const { rows } = await database.read('system', ({ query }) =>
    query("SELECT spent_nano, leased_nano FROM headgate.budget_windows WHERE budget_id = 'race'"),
  )
  expect(rows).toEqual([{ spent_nano: 10_000_000_000n, leased_nano: 0n }])
  expect((await verifyLedger(database)).findings).toEqual([])
})

test('a journal is written by one living process', async () => {
  const worker = startWorker({})
  await worker.heard('started')
  expect(openLedger).toThrow(JournalInUse)
  worker.child.kill('SIGKILL')
  await worker.ended
  await openLedger().stop()
})
