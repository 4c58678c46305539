import { quantile } from '../../benchmarks/load.ts'
import type { Seen } from '../caller.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import type { House } from '../house.ts'
import { pause, startPace, until, wallNow } from '../pace.ts'
import type { Report } from '../report.ts'
import { askRedis } from '../services.ts'
import { type Admitted, mostInWindow } from '../windows.ts'
import { admittedOf, callsOf, LIMIT, limitSettings, startDemand, windowSecondsOf } from './limits-load.ts'

const FROZEN_MS = 5_000
/** Calls a second of the key that is never refused: what its decisions cost is measured. */
const WIDE_PER_SECOND = 30
/** How long a decision that is under way may wait for a store that fell silent, and later ones. */
const ONCE_MS = 60
const BREAKER_MS = 5
/** A first question is out when the store falls silent, and its timer runs 50 ms: then the breaker is open. */
const OPENING_MS = 150

const overheadOf = ({ headers }: Seen): number => Number(headers['x-headgate-overhead-ms'] ?? Number.NaN)
const within = (seen: readonly Seen[], from: number, to: number) =>
  seen.filter((call) => call.status === 200 && call.sentAt >= from && call.sentAt < to)

const empty = async ({ backend, redis, postgres }: House): Promise<void> => {
  if (backend === 'redis') await askRedis(redis.port, 'FLUSHALL')
  else await postgres.query('TRUNCATE headgate.limit_counts, headgate.limit_holdings')
}

/** What a key of the wide window has used, as the store counts it. */
const countedOf = async (house: House, keyId: string): Promise<number> => {
  const body = { key_id: keyId, model: 'up/gpt-4o-mini' }
  const answer = await house.request('/admin/v1/limits/explain', { body })
  const { rules } = (await answer.json()) as { rules: { name: string; limit: number; remaining: number }[] }
  const rule = rules.find(({ name }) => name === 'wide')
  if (rule === undefined) throw new Error('the wide limit does not apply')
  return 1_000_000 - rule.remaining
}

const allCount = (house: House, state: string) => async () => {
  const states = await Promise.all(
    Array.from({ length: house.replicas }, (_, replica) => house.stateOf(replica, 'admission')),
  )
  return states.every((found) => found === state)
}

/** Admitted calls that may have been decided in a stretch of time. */
const during = (admitted: readonly Admitted[], from: number, to: number) =>
  admitted.filter((call) => call.to >= from && call.from < to)

const run = async (house: House, report: Report, scale: Scale): Promise<void> => {
  const store = house.backend === 'redis' ? house.redis : house.postgres
  const windowMs = windowSecondsOf(scale) * 1000
  // So long that whatever a fault left behind has left the window.
  const calmMs = windowMs * 1.2
  const tight = await house.makeKey({ tier: 'windowed' })
  const wide = await house.makeKey({ tier: 'wide' })
  await house.settleCounters()
  const load = startDemand(house, tight.key, 'windowed', scale, false)
  const free = startPace(WIDE_PER_SECOND, callsOf(house, wide.key, 'wide'))
  await pause(calmMs)

  const givenUp = house.givenUp()
  const emptiedAt = wallNow()
  await empty(house)
  await pause(calmMs)
  const calmSeen = wallNow()

  // Compared over a stretch of its own: with what was counted before it and after it.
  const other = await house.makeKey({ tier: 'wide' })
  const compared = startPace(WIDE_PER_SECOND, callsOf(house, other.key, 'compared'))
  await pause(1_000)
  const frozenAt = wallNow()
  await store.signal('SIGSTOP')
  await pause(FROZEN_MS)
  await store.signal('SIGCONT')
  const awakeAt = wallNow()
  await until('the store is used again', allCount(house, 'ok'), 20_000)
  await pause(calmMs)
  const comparedSeen = await compared.stop()
  await pause(1_000)
  const counted = await countedOf(house, other.id)

  const deadAt = wallNow()
  await store.kill()
  await pause(windowMs)
  const restartedAt = wallNow()
  await store.restart()
  await until('the store is used again', allCount(house, 'ok'), 20_000)
  const usedAt = wallNow()
  await pause(calmMs)
  const [seen, freeSeen] = await Promise.all([load.stop(), free.stop()])

  const everything = [...seen, ...freeSeen, ...comparedSeen]
  const failed = everything.filter(({ status }) => status !== 200 && status !== 429)
  report.note('calls', everything.length)
  report.note('calm: times a replica gave the store up for late', givenUp)
  report.exactly('answers other than 200 and 429', failed.length, 0)
  if (failed.length > 0) report.note('those answers', tellStatuses(failed))
  const admitted = await admittedOf(house, seen)
  const most = (from: number, to: number) => mostInWindow(during(admitted, from, to), windowMs)
  report.atMost('calm: most admitted in any window', most(0, emptiedAt), LIMIT)
  report.atMost('emptied: most admitted in any window', most(emptiedAt - windowMs, calmSeen), LIMIT * 2)

  const first = within(freeSeen, frozenAt - 60, frozenAt + OPENING_MS).map(overheadOf)
  const later = within(freeSeen, frozenAt + OPENING_MS, awakeAt - 20).map(overheadOf)
  const before = within(freeSeen, calmSeen - calmMs, frozenAt).map(overheadOf)
  report.note('before: time at Headgate, p50', quantile(before), 'ms')
  report.note('before: time at Headgate, p95', quantile(before, 0.95), 'ms')
  report.atMost('frozen: longest of the first decisions', Math.max(0, ...first), ONCE_MS, 'ms')
  report.atMost('frozen: later decisions, p95', quantile(later, 0.95), BREAKER_MS, 'ms')
  report.atMost('frozen: most admitted in any window', most(frozenAt - windowMs, awakeAt + calmMs), LIMIT * 1.2)
  const passed = comparedSeen.filter(({ status }) => status === 200).length
  report.atMost('frozen: count afterwards off by', (Math.abs(counted - passed) * 100) / passed, 1, '%')

  const dead = within(freeSeen, deadAt + OPENING_MS, restartedAt).map(overheadOf)
  report.atMost('dead: time at Headgate, p95 beyond before', quantile(dead, 0.95) - quantile(before, 0.95), 10, 'ms')
  report.atMost('dead: most admitted in any window', most(deadAt - windowMs, restartedAt), LIMIT * 1.2)
  report.atMost(
    'started again: most admitted in any window',
    most(restartedAt - windowMs, Number.POSITIVE_INFINITY),
    LIMIT * 2,
  )
  report.note('started again: used after', usedAt - restartedAt, 'ms')
}

export const limitsFaults: Drill = {
  name: 'limits-faults',
  about: 'the same load while the store of the counts is emptied, frozen for 5 s, killed and started again',
  replicas: 3,
  backends: ['redis', 'postgres'],
  seconds: 60,
  config: limitSettings,
  run,
}
