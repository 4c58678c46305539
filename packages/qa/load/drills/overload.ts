import { quantile } from '../../benchmarks/load.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import { flood, type Splash } from '../flood-process.ts'
import type { House } from '../house.ts'
import { pause, wallNow } from '../pace.ts'
import type { Report } from '../report.ts'

/** The provider takes so many calls at once from each replica, each so long: what lies beyond waits in line or is refused. */
const AT_ONCE = 4
const TAKES_MS = 100
/** About half a second of waiting, so that a line is no grave. */
const IN_LINE = 20
const model = `up/gpt-4o-mini;delay=${TAKES_MS}`
/** An answer later than this is of no use to its caller. */
const USEFUL_MS = 2_000
const STEPS = [0.5, 0.75, 1, 1.25]
const TIMES = 4
const RISE_MS = 1_000
const ADMIN_EVERY_MS = 100

/** Useful answers a second, once the crowd has come up. */
const goodput = (splashes: readonly Splash[]): number => {
  const begun = Math.min(...splashes.map(({ sentAt }) => sentAt)) + RISE_MS
  const ended = Math.max(...splashes.map(({ sentAt }) => sentAt))
  const useful = splashes.filter(
    ({ sentAt, status, tookMs }) => sentAt >= begun && status === 200 && tookMs <= USEFUL_MS,
  )
  return (useful.length * 1000) / (ended - begun)
}

/** Asks health and an operator's route of every replica in turn until it is told to stop; counts those that were not served. */
const watchAdmin = (house: House) => {
  let over = false
  let asked = 0
  let failed = 0
  const took: number[] = []
  const watch = async () => {
    for (; !over; asked++) {
      const begun = performance.now()
      const path = asked % 2 === 0 ? '/livez' : '/admin/v1/keys?limit=1'
      const status = await house.request(path, { replica: asked % house.replicas }).then(
        async (answer) => {
          await answer.arrayBuffer()
          return answer.status
        },
        () => 0,
      )
      took.push(performance.now() - begun)
      if (status !== 200) failed++
      await pause(ADMIN_EVERY_MS)
    }
  }
  const watching = watch()
  return async () => {
    over = true
    await watching
    return { asked, failed, p99: quantile(took, 0.99) }
  }
}

const run = async (house: House, report: Report, { seconds }: Scale): Promise<void> => {
  const { key } = await house.makeKey()
  await house.settleCounters()
  const urls = Array.from({ length: house.replicas }, (_, replica) => house.urlOf(replica))
  const call = (name: string, perSecond: number, milliseconds: number) =>
    flood({ urls, key, model, perSecond, milliseconds, name })
  const capacity = (AT_ONCE * house.replicas * 1000) / TAKES_MS
  const stepMs = (seconds * 1000) / (STEPS.length + 2) + RISE_MS
  await call('warm', capacity / 2, 2_000)

  let peak = 0
  let knee = 0
  for (const step of STEPS) {
    const splashes = await call(`step-${step}`, capacity * step, stepMs)
    const good = goodput(splashes)
    report.note(`goodput at ${Math.round(capacity * step)} calls a second`, good, '/s')
    if (good > peak * 1.03) knee = capacity * step
    peak = Math.max(peak, good)
  }
  report.note('knee', knee, '/s')
  const calm = await call('calm', capacity / 2, stepMs)
  const took = (splashes: readonly Splash[], part: number) =>
    quantile(
      splashes.map(({ tookMs }) => tookMs),
      part,
    )
  report.note('half of the knee: p95', took(calm, 0.95), 'ms')

  const stopWatching = watchAdmin(house)
  const over = await call('over', knee * TIMES, stepMs * 2)
  const overAt = wallNow()
  const after = await call('after', capacity / 2, 8_000)
  const admin = await stopWatching()

  const refused = over.filter(({ status }) => status !== 200)
  report.note('four times the knee: answers', tellStatuses(over))
  report.atLeast('four times the knee: goodput, of the peak', (goodput(over) * 100) / peak, 80, '%')
  report.exactly('refusals without Retry-After', refused.filter(({ retryAfter }) => !retryAfter).length, 0)
  const isRefusal = ({ status }: Splash) => status === 503 || status === 429
  report.exactly('answers other than 200, 429 and 503', refused.filter((one) => !isRefusal(one)).length, 0)
  report.note('refusals: p50', took(refused, 0.5), 'ms')
  report.atMost('refusals: p99', took(refused, 0.99), 100, 'ms')
  report.note(
    'answers: p95',
    took(
      over.filter(({ status }) => status === 200),
      0.95,
    ),
    'ms',
  )
  // From the first second on after which none was slower than usual.
  const bound = took(calm, 0.95) * 1.5
  const starts = [0, 1, 2, 3, 4, 5, 6]
  const normal = starts.find((from) => {
    const late = after.filter(({ sentAt }) => sentAt >= overAt + from * 1000)
    return late.every(({ status }) => status === 200) && took(late, 0.95) <= bound
  })
  report.atMost('afterwards: p95 as before after', normal ?? Number.POSITIVE_INFINITY, 5, 's')
  report.note('health and operators: asked', admin.asked)
  report.exactly('health and operators: not served', admin.failed, 0)
  report.note('health and operators: p99', admin.p99, 'ms')
}

export const overload: Drill = {
  name: 'overload',
  about: 'four times what the provider takes: the goodput holds, who is refused is told at once, operators are served',
  replicas: 3,
  backends: ['redis'],
  seconds: 60,
  config: () => ({
    providers: { up: { concurrency: { max: AT_ONCE, adaptive: false, min: 1 } } },
    queue: { max_waiting: IN_LINE },
    models: { [model]: { price: { input: '1', output: '2' } } },
  }),
  run,
}
