import { writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../../../kernel/clock.ts'
import { openDatabase } from '../../../kernel/db.ts'
import { silentLog } from '../../../kernel/log.ts'
import { createLedger } from '../ledger.ts'
import { keyBudget, sampleIntent, sampleSettlement } from './samples.ts'

/** What a test asks of a process that it will kill. */
export interface WorkerTask {
  readonly url: string
  readonly directory: string
  readonly budgetId: string | null
  /** `load`: calls until killed. `race`: that many calls at once, then settle and end. */
  readonly mode: 'load' | 'race'
  readonly calls: number
  /** Kills itself as it passes this fault point for the n-th time. */
  readonly dieAt?: { readonly point: string; readonly time: number }
}

const task = JSON.parse(process.argv[2] as string) as WorkerTask
// A plain write: what was said is read by the test, whatever becomes of this process.
const say = (...words: (string | number | bigint)[]) => writeSync(1, `${words.join(' ')}\n`)

let passed = 0
const database = openDatabase({ connection: { url: task.url }, log: silentLog, poolSize: 4 })
const ledger = createLedger({
  database,
  journalDirectory: task.directory,
  clock: systemClock,
  faultPoints: {
    pass: (name) => {
      if (name === task.dieAt?.point && ++passed === task.dieAt.time) process.kill(process.pid, 'SIGKILL')
    },
  },
  log: silentLog,
  segmentBytes: 64 * 1024,
})
await ledger.start()
say('started')

/** One call, told step by step: admitted, parts marked, settled. */
const call = async (number: number) => {
  const budgets = number % 2 === 0 && task.budgetId !== null ? [keyBudget(task.budgetId)] : []
  const hold = await ledger.reserve(sampleIntent({ budgets, stream: true }))
  say('admitted', hold.intent.id)
  const parts = number % 7
  for (let part = 1; part <= parts; part++) {
    hold.mark(part)
    say('marked', hold.intent.id, part)
    await pause(Math.random() * 8)
  }
  const cost = BigInt(1 + (number % 1000)) * 1000n
  hold.settle(sampleSettlement({ cost }))
  say('settled', hold.intent.id, cost)
}

if (task.mode === 'load') {
  let number = 0
  const caller = async () => {
    for (;;) await call(number++)
  }
  await Promise.all(Array.from({ length: task.calls }, caller))
} else {
  const calls = await Promise.allSettled(
    Array.from({ length: task.calls }, async () =>
      ledger.reserve(sampleIntent({ budgets: task.budgetId === null ? [] : [keyBudget(task.budgetId)] })),
    ),
  )
  const holds = calls.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const codes = calls.flatMap((one) =>
    one.status === 'rejected' ? [(one.reason as { code?: string }).code ?? 'other'] : [],
  )
  say('race', holds.length, codes.filter((code) => code === 'budget_exceeded').length)
  await pause(500)
  for (const hold of holds) hold.settle(sampleSettlement({ cost: 1_000_000_000n }))
  await ledger.stop()
  await database.close()
}
