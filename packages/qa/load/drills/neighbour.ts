import { quantile } from '../../benchmarks/load.ts'
import type { Seen } from '../caller.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import { flood, type Splash } from '../flood-process.ts'
import type { House } from '../house.ts'
import { pause, startPace } from '../pace.ts'
import type { Report } from '../report.ts'

/** Calls a second that the tier of both tenants admits. */
const LIMIT = 20
const TIMES = 20
const HALF = LIMIT / 2
const TURN_MS = 5_000
/** What a crowd takes to come up and to go again is in nobody's turn. */
const RISE_MS = 1_500
const model = 'up/gpt-4o-mini;delay=20'

const run = async (house: House, report: Report, { seconds }: Scale): Promise<void> => {
  const keys: string[] = []
  for (const id of ['loud', 'quiet']) {
    await house.request('/admin/v1/projects', { body: { id, name: id } })
    keys.push((await house.makeKey({ project: id, tier: 'shared' })).key)
  }
  const [loud, quiet] = keys as [string, string]
  await house.settleCounters()
  const urls = Array.from({ length: house.replicas }, (_, replica) => house.urlOf(replica))
  const turns = Math.max(1, Math.round((seconds * 1000) / (2 * TURN_MS)))
  const turnMs = (seconds * 1000) / (2 * turns)

  const listen = async (name: string): Promise<readonly Seen[]> => {
    const load = startPace(HALF, (number) =>
      house.caller.call({ replica: number % house.replicas, key: quiet, model, id: `${name}-${number}` }),
    )
    await pause(turnMs)
    return await load.stop()
  }
  await listen('warm')
  const alone: Seen[] = []
  const beside: Seen[] = []
  const crowd: Splash[] = []
  const ratios: number[] = []
  const took = (seen: readonly Seen[], part: number) =>
    quantile(
      seen.map(({ sentAt, endedAt }) => endedAt - sentAt),
      part,
    )
  for (let turn = 0; turn < turns; turn++) {
    const before = await listen(`alone-${turn}`)
    const order = {
      urls,
      key: loud,
      model,
      perSecond: LIMIT * TIMES,
      milliseconds: turnMs + RISE_MS,
      name: `loud-${turn}`,
    }
    const flooding = flood(order)
    await pause(RISE_MS)
    const under = await listen(`beside-${turn}`)
    crowd.push(...(await flooding))
    alone.push(...before)
    beside.push(...under)
    ratios.push(took(under, 0.95) / took(before, 0.95))
  }
  const unserved = (seen: readonly Seen[]) => seen.filter(({ status }) => status !== 200)
  report.note('the loud one: calls', crowd.length)
  report.note('the loud one: answers', tellStatuses(crowd))
  report.note('the quiet one: calls beside it', beside.length)
  report.exactly('the quiet one: errors alone', unserved(alone).length, 0)
  report.exactly('the quiet one: errors beside it', unserved(beside).length, 0)
  report.note('the quiet one: p50 alone', took(alone, 0.5), 'ms')
  report.note('the quiet one: p50 beside it', took(beside, 0.5), 'ms')
  report.note('the quiet one: p95 alone', took(alone, 0.95), 'ms')
  report.note('the quiet one: p95 beside it', took(beside, 0.95), 'ms')
  report.note('the quiet one: p95, ratio of each pair of turns', ratios.map((ratio) => ratio.toFixed(2)).join(' '))
  report.atMost('the quiet one: p95 beside it, by alone', took(beside, 0.95) / took(alone, 0.95), 1.5, '×')
}

export const neighbour: Drill = {
  name: 'neighbour',
  about: 'a tenant at twenty times its limit beside one at half of its own, in turns with the latter alone',
  replicas: 3,
  backends: ['redis'],
  seconds: 60,
  config: () => ({
    tiers: { shared: { requests: { rate_per_minute: LIMIT * 60, burst: LIMIT } } },
    models: { [model]: { price: { input: '1', output: '2' } } },
  }),
  run,
}
