import type { Seen } from '../caller.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import { price, type House } from '../house.ts'
import { pause, startPace, wallNow } from '../pace.ts'
import type { Report } from '../report.ts'

const PER_SECOND = 40
/** What a target may take to be itself again once its provider is. */
const NORMAL_MS = 10_000
const WATCHED_MS = 5_000

/** What the provider says while it storms; one that asks for more than a few seconds is left alone, as a whole, for as long as it asks. */
const words = ['429;retry-after=1', '429;retry-after=-5', '429;retry-after=abc', '429', '529', '529;retry-after=1']

const modelsOf = (seconds: number): string[] =>
  words.map((word) => `up/gpt-4o-mini;status=${word};fail-ms=${seconds * 1_000}`)

const run = async (house: House, report: Report, { seconds }: Scale): Promise<void> => {
  const { key } = await house.makeKey()
  await house.settleCounters()
  const models = modelsOf(seconds)
  const begun = wallNow()
  const load = startPace(PER_SECOND, (number) => {
    // Every model by every replica.
    const model = models[Math.floor(number / house.replicas) % models.length] as string
    const id = `storm-${number}`
    return house.caller.call({ replica: number % house.replicas, key, model, id })
  })
  await pause(seconds * 1_000 + NORMAL_MS + WATCHED_MS)
  const seen = await load.stop()

  // The storm of a model begins with the first call that reaches its provider.
  const truth = await house.truth()
  const endOf = Math.max(
    ...models.map((model) => {
      const name = model.slice('up/'.length)
      return Math.min(...truth.filter((row) => row.model === name).map((row) => row.received_at)) + seconds * 1_000
    }),
  )
  const within = (one: Seen) => one.sentAt < endOf
  const tries = truth.filter(({ received_at }) => received_at < endOf).length
  const calls = seen.filter(within).length
  const most = Math.max(...seen.map(({ headers }) => Number(headers['x-headgate-attempts'] ?? 0)))
  const after = seen.filter(({ sentAt }) => sentAt >= endOf + NORMAL_MS)
  const lastRefused = Math.max(endOf, ...seen.filter(({ status }) => status !== 200).map(({ sentAt }) => sentAt))
  report.note('the storm', (endOf - begun) / 1_000, 's')
  report.note('calls in it', calls)
  report.note('what they were told', tellStatuses(seen.filter(within)))
  report.atMost('tries at the provider for a call in it', tries / calls, 1.1)
  report.atMost('tries of one call', most, 3)
  report.exactly('calls without an answer', seen.filter(({ status }) => status === 0).length, 0)
  report.atMost('normal again after', (lastRefused - endOf) / 1_000, NORMAL_MS / 1_000, 's')
  report.atLeast('calls from then on', after.length, 1)
  report.exactly('of them not served', after.filter(({ status }) => status !== 200).length, 0)
}

export const storm: Drill = {
  name: 'storm',
  about: 'a provider that answers nothing but 429 and 529 for a minute',
  replicas: 3,
  backends: ['redis'],
  seconds: 60,
  config: ({ seconds }) => ({
    models: Object.fromEntries(modelsOf(seconds).map((model) => [model, { price }])),
  }),
  run,
}
