import { quantile } from '../../benchmarks/load.ts'
import type { Seen } from '../caller.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import type { House } from '../house.ts'
import { wallNow } from '../pace.ts'
import type { Report } from '../report.ts'
import { type Admitted, bucketExcess, mostArrivals, mostInWindow } from '../windows.ts'
import { admittedOf, BURST, burstAtEdges, LIMIT, limitSettings, startDemand, windowSecondsOf } from './limits-load.ts'

const isOther = ({ status }: Seen) => status !== 200 && status !== 429

const judge = (report: Report, windowed: readonly Admitted[], bucketed: readonly Admitted[], scale: Scale) => {
  const windowMs = windowSecondsOf(scale) * 1000
  report.atMost('window: most admitted in any window', mostInWindow(windowed, windowMs), LIMIT)
  report.note('window: the same by arrival at the upstream', mostArrivals(windowed, windowMs))
  report.atLeast('window: used', (windowed.length * 100 * windowMs) / (LIMIT * scale.seconds * 1000), 97, '%')
  const bucket = { burst: BURST, perMs: LIMIT / windowMs }
  report.atMost('bucket: overdrawn over any stretch', bucketExcess(bucketed, bucket), 0, 'calls')
  report.atMost('bucket: most admitted in any window', mostInWindow(bucketed, windowMs), LIMIT + BURST)
  report.note('bucket: the same by arrival at the upstream', mostArrivals(bucketed, windowMs))
  const given = BURST + bucket.perMs * scale.seconds * 1000
  report.atLeast('bucket: used', (bucketed.length * 100) / given, 97, '%')
  const doubt = [...windowed, ...bucketed].map(({ from, to }) => to - from)
  report.note('moment of a decision known to, p50', quantile(doubt), 'ms')
  report.note('moment of a decision known to, p99', quantile(doubt, 0.99), 'ms')
}

const run = async (house: House, report: Report, scale: Scale): Promise<void> => {
  const windowMs = windowSecondsOf(scale) * 1000
  const windowedKey = (await house.makeKey({ tier: 'windowed' })).key
  const bucketedKey = (await house.makeKey({ tier: 'bucketed' })).key
  await house.settleCounters()
  const begun = wallNow()
  const windowed = startDemand(house, windowedKey, 'windowed', scale, true)
  const bucketed = startDemand(house, bucketedKey, 'bucketed', scale, true)
  await burstAtEdges([windowed, bucketed], windowMs, begun + scale.seconds * 1000)
  const [windowSeen, bucketSeen] = await Promise.all([windowed.stop(), bucketed.stop()])
  const seen = [...windowSeen, ...bucketSeen]
  report.note('calls', seen.length)
  report.note('times a replica gave the store up for late', house.givenUp())
  report.exactly('answers other than 200 and 429', seen.filter(isOther).length, 0)
  if (seen.some(isOther)) report.note('answers', tellStatuses(seen))
  judge(report, await admittedOf(house, windowSeen), await admittedOf(house, bucketSeen), scale)
  const served = seen.filter(({ status }) => status === 200).length
  report.exactly('calls that reached the upstream and were not answered', (await house.truth()).length - served, 0)
}

export const limits: Drill = {
  name: 'limits',
  about: 'five times a limit, with bursts at the edges of windows: no window gives more, and all of it is used',
  replicas: 3,
  backends: ['redis', 'postgres'],
  seconds: 60,
  config: limitSettings,
  run,
}
