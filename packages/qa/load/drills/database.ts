import type { Seen } from '../caller.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import { disagreements, readEntries, readReserved } from '../books.ts'
import { type House, price } from '../house.ts'
import { pause, startPace, until, wallNow } from '../pace.ts'
import type { Report } from '../report.ts'

/** Calls a second: of a key without a budget, of one with, and of keys that no replica has seen. */
const KNOWN = 40
const PAYING = 9
const STRANGERS = 1
const DRAINED_WITHIN_S = 30
const CALM_MS = 2_000

const statusIn = (seen: readonly Seen[], from: number, to: number) =>
  seen.filter(({ sentAt }) => sentAt >= from && sentAt < to)

/** Rows that no replica has in PostgreSQL yet, by what the replicas say. */
const queued = async (house: House): Promise<number> => {
  let sum = 0
  for (let replica = 0; replica < house.replicas; replica++) {
    const text = await (await house.request('/metrics', { replica })).text()
    sum += Number(/^headgate_ledger_queue (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  }
  return sum
}

const run = async (house: House, report: Report, { seconds }: Scale): Promise<void> => {
  const { key: known } = await house.makeKey()
  const { key: paying } = await house.makeKey({ budget: { limit_usd: '100', window: 'total' } })
  const strangers: string[] = []
  for (let count = 0; count < Math.ceil(seconds * STRANGERS) + 5; count++) strangers.push((await house.makeKey()).key)
  const callWith = (name: string, keyOf: (number: number) => string) => (number: number) =>
    house.caller.call({
      replica: number % house.replicas,
      key: keyOf(number),
      model: 'up/gpt-4o-mini',
      id: `${name}-${number}`,
      stream: number % 4 === 0,
      fields: { max_tokens: 50 },
    })
  const loads = [
    startPace(
      KNOWN,
      callWith('known', () => known),
    ),
    startPace(
      PAYING,
      callWith('paying', () => paying),
    ),
  ] as const
  await pause(CALM_MS)
  const deadAt = wallNow()
  await house.postgres.kill()
  const strange = startPace(
    STRANGERS,
    callWith('stranger', (number) => strangers[number] as string),
  )
  await pause(seconds * 1000)
  const strangeSeen = await strange.stop()
  const states = await Promise.all(
    Array.from({ length: house.replicas }, (_, replica) => house.request('/readyz', { replica })),
  )
  const restartedAt = wallNow()
  await house.postgres.restart()
  const backAt = wallNow()
  const written = async () => (await queued(house)) === 0 && (await readEntries(house)).length > 0
  // The load goes on, so that the queue is never empty for long: what waited is in when it was empty once.
  const drainedMs = await until('the spool is in PostgreSQL', written, 120_000).catch(() => Number.POSITIVE_INFINITY)
  await pause(CALM_MS)
  const [knownSeen, payingSeen] = (await Promise.all(loads.map((load) => load.stop()))) as [
    readonly Seen[],
    readonly Seen[],
  ]
  await until('every row is written', async () => (await queued(house)) === 0, 60_000).catch(() => undefined)

  const knownAway = statusIn(knownSeen, deadAt, restartedAt)
  const share = (seen: readonly Seen[]) => (seen.filter(({ whole }) => whole).length * 100) / Math.max(1, seen.length)
  report.note('PostgreSQL was away', (restartedAt - deadAt) / 1000, 's')
  report.atLeast('away: calls of known keys served', share(knownAway), 99, '%')
  report.note('away: answers to known keys', tellStatuses(knownAway))
  const payingAway = statusIn(payingSeen, deadAt, restartedAt)
  report.note('away: calls with a budget served', share(payingAway), '%')
  report.note('away: answers to keys with a budget', tellStatuses(payingAway))
  const isHonest = ({ status, code }: Seen) => status === 200 || (status === 503 && code === 'database_unavailable')
  report.exactly('answers with a budget other than 200 and 503', payingSeen.filter((one) => !isHonest(one)).length, 0)
  report.exactly(
    'away: unknown keys told other than 503',
    strangeSeen.filter(({ status, code }) => status !== 503 || code !== 'database_unavailable').length,
    0,
    `of ${strangeSeen.length}`,
  )
  report.exactly('away: replicas not ready', states.filter(({ status }) => status !== 200).length, 0)
  const backShare = share(statusIn(knownSeen, backAt, Number.POSITIVE_INFINITY))
  report.atLeast('back: calls of known keys served', backShare, 99, '%')
  report.atMost('back: spool drained after', drainedMs / 1000, DRAINED_WITHIN_S, 's')
  const entries = await readEntries(house)
  const faults = disagreements([...knownSeen, ...payingSeen, ...strangeSeen], await house.truth(), entries)
  report.note('rows of the ledger', entries.length)
  report.exactly('lost, doubled or wrong', faults.length, 0)
  for (const fault of faults.slice(0, 10)) report.note('disagreement', fault)
  const released = await until('nothing is reserved', async () => (await readReserved(house)) === 0, 60_000).catch(
    () => null,
  )
  report.exactly('reserved in the end', released === null ? 'something' : 'nothing', 'nothing')
  const { ok, text } = await house.verifyLedger()
  report.exactly('headgate ledger verify', ok ? 'clean' : text, 'clean')
}

export const database: Drill = {
  name: 'database',
  about:
    'PostgreSQL is killed under 50 calls a second and stays away: known keys are served, and what waited is written once',
  replicas: 3,
  backends: ['redis'],
  seconds: 60,
  config: () => ({ models: { 'up/gpt-4o-mini': { price, max_output_tokens: 4096 } } }),
  run,
}
