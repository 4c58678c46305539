import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { quantile } from '../../benchmarks/load.ts'
import { startProcess } from '../../benchmarks/processes.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import { price, type House } from '../house.ts'
import { type LargeCall, type LargeOrder, sendLarge } from '../large/crowd-process.ts'
import { readStreams, type SeenStreams } from '../large/streams.ts'
import { pause, until } from '../pace.ts'
import type { Report } from '../report.ts'

const CALLERS = 64
const BODY_BYTES = 20_000_000
const STREAMS = 20
const PART_MS = 50
const MOST_RESIDENT_MB = 1_600
const MOST_DELAY_MS = 200
/** By how much later than alone the hundredth part of a stream may come. */
const MOST_LATER_MS = 50
/** The gauge of the latest turn tells of the last 15 to 30 seconds, the start of the process among them. */
const FORGOTTEN_MS = 60_000
const POLL_MS = 500
const streamed = `up/gpt-4o-mini;parts=40;part-delay=${PART_MS}`
const MEGABYTE = 1_000_000

/** Most memory that the process has had resident since it started, in megabytes: Linux keeps count (proc(5), `VmHWM`). */
const peakOf = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024) / MEGABYTE
}

const gaugesOf = async (house: House): Promise<{ readonly worst: number; readonly waiting: number }> => {
  const text = await (await house.request('/metrics')).text()
  const gauge = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
  return {
    worst: gauge('headgate_event_loop_delay_worst_seconds') * 1_000,
    waiting: gauge('headgate_request_bodies_waiting'),
  }
}

/** Reads the house's own gauge of its latest turn until it is told to stop. */
const watchDelay = (house: House) => {
  let over = false
  let worst = 0
  let waiting = 0
  const read = async () => {
    const now = await gaugesOf(house)
    worst = Math.max(worst, now.worst)
    waiting = Math.max(waiting, now.waiting)
  }
  const watch = async () => {
    while (!over) {
      await read()
      await pause(POLL_MS)
    }
    await read()
  }
  const watching = watch()
  return async () => {
    over = true
    await watching
    return { worst, waiting }
  }
}

const judge = (report: Report, name: string, calls: readonly LargeCall[], alone: SeenStreams, beside: SeenStreams) => {
  const took = calls.map(({ tookMs }) => tookMs / 1_000)
  const refusals = calls.flatMap((one) => one.refusals)
  const isRefusal = ({ status }: (typeof refusals)[number]) => status === 503 || status === 429
  report.exactly(`${name}: answered`, calls.filter(({ status }) => status === 200).length, calls.length)
  report.note(`${name}: last answer after`, Math.max(...took), 's')
  report.note(
    `${name}: told to come again`,
    refusals.length === 0 ? 'nobody' : tellStatuses(refusals.map(({ status }) => ({ status, code: null }))),
  )
  report.exactly(
    `${name}: refused without Retry-After`,
    refusals.filter((one) => isRefusal(one) && !one.hasRetryAfter).length,
    0,
  )
  report.exactly(`${name}: streams broken`, beside.broken, 0)
  const p99 = quantile(beside.gaps, 0.99)
  report.note(`${name}: streams read meanwhile`, beside.whole)
  report.note(`${name}: pause between parts, p50`, quantile(beside.gaps, 0.5), 'ms')
  report.note(`${name}: pause between parts, p99`, p99, 'ms')
  report.atMost(`${name}: p99 beyond alone`, p99 - quantile(alone.gaps, 0.99), MOST_LATER_MS, 'ms')
}

const run = async (house: House, report: Report, { seconds }: Scale): Promise<void> => {
  const sink = await startProcess(
    fileURLToPath(new URL('../large/sink.ts', import.meta.url)),
    [],
    /listening on (http:\S+)/,
  )
  try {
    const provider = { name: 'sink', kind: 'openai', base_url: `${sink.match[1]}/v1`, api_key: 'provider-key' }
    const made = await house.request('/admin/v1/providers', { body: provider })
    if (made.status !== 201) throw new Error(`no provider: ${await made.text()}`)
    const { key } = await house.makeKey()
    const url = house.urlOf(0)
    const read = () => readStreams({ url, key, model: streamed, count: STREAMS })
    const order = { url, key, model: 'sink/sink', bytes: BODY_BYTES, callers: CALLERS }

    const stopAlone = read()
    await pause(seconds * 1_000)
    const alone = await stopAlone()
    report.note('alone: pause between parts, p99', quantile(alone.gaps, 0.99), 'ms')
    report.note('alone: resident at most', await peakOf(house.processOf(0).pid), 'MB')

    await until('the start is forgotten', async () => (await gaugesOf(house)).worst < MOST_DELAY_MS, FORGOTTEN_MS)
    const stopWatching = watchDelay(house)
    for (const [name, protocols] of [
      ['chats', ['chat']],
      ['responses and messages', ['responses', 'messages']],
    ] as const satisfies readonly [string, LargeOrder['protocols']][]) {
      const stopReading = read()
      await pause(1_000)
      const calls = await sendLarge({ ...order, protocols })
      judge(report, name, calls, alone, await stopReading())
    }
    const { worst, waiting } = await stopWatching()
    report.note('bodies that waited for room at once', waiting)
    report.atMost('resident at most', await peakOf(house.processOf(0).pid), MOST_RESIDENT_MB, 'MB')
    report.atMost('latest turn of the event loop', worst, MOST_DELAY_MS, 'ms')
  } finally {
    await sink.stop()
  }
}

export const inputs: Drill = {
  name: 'inputs',
  about:
    '64 bodies of 20 MB at once, beside streams: memory stays within 1.6 GB, no turn of the event loop is late by 200 ms',
  replicas: 1,
  backends: ['redis'],
  seconds: 5,
  config: () => ({
    models: { [streamed]: { price, max_output_tokens: 4_096 } },
  }),
  run,
}
