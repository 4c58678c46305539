import type { Seen } from '../caller.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import { disagreements, settledEntries } from '../books.ts'
import { type House, price, type Settings } from '../house.ts'
import { pause, until } from '../pace.ts'
import type { Report } from '../report.ts'

const STREAMS = 300
const PART_MS = 100
const POLL_MS = 5
const READY_WITHIN_MS = 100
const EXIT_AFTER_S = 5

/** Ends well inside the window, and long after it. */
const shortModel = ({ seconds }: Scale) => `up/gpt-4o-mini;parts=${seconds * 5};part-delay=${PART_MS}`
const longModel = ({ seconds }: Scale) => `up/gpt-4o-mini;parts=${seconds * 100};part-delay=${PART_MS}`

export const drainSettings = (scale: Scale): Settings => ({
  timeouts: { drain_ms: scale.seconds * 1000, drain_delay_ms: 500 },
  models: Object.fromEntries(
    [shortModel(scale), longModel(scale)].map((model) => [model, { price, max_output_tokens: 100_000 }]),
  ),
})

const run = async (house: House, report: Report, scale: Scale): Promise<void> => {
  const { key } = await house.makeKey()
  // A short run is a smaller crowd.
  const half = Math.min(STREAMS, scale.seconds * 50) / 2
  const leaving = house.replicas - 1
  const stream = (model: string, name: string) =>
    Array.from({ length: half }, (_, number) =>
      house.caller.call({ replica: leaving, key, model, stream: true, id: `${name}-${number}` }),
    )
  const long = stream(longModel(scale), 'long')
  const short = stream(shortModel(scale), 'short')
  await until('all streams flow', async () => {
    const rows = await house.truth()
    return rows.filter(({ outcome, sent_tokens }) => outcome === 'open' && sent_tokens > 0).length >= half * 2
  })
  const leaver = house.processOf(leaving)
  const begun = performance.now()
  leaver.kill('SIGTERM')
  let notReadyMs = Number.POSITIVE_INFINITY
  while (performance.now() - begun < 2_000) {
    const askedAt = performance.now()
    const { status } = await house.request('/readyz', { replica: leaving })
    if (status === 503) {
      // The answer may have waited in line: it was true at the latest when it was asked for.
      notReadyMs = performance.now() - begun
      report.note('that answer took', performance.now() - askedAt, 'ms')
      break
    }
    await pause(POLL_MS)
  }
  const shortSeen: Seen[] = await Promise.all(short)
  const longSeen: Seen[] = await Promise.all(long)
  const code = await leaver.exited
  const exitMs = performance.now() - begun
  report.note('live streams', half * 2)
  report.atMost('readyz answers 503 after', notReadyMs, READY_WITHIN_MS, 'ms')
  report.exactly('streams cut inside the window', shortSeen.filter(({ whole }) => !whole).length, 0)
  const isTold = ({ status, code: told, broken }: Seen) => status === 200 && told === 'server_draining' && !broken
  report.exactly('others not told server_draining', longSeen.filter((seen) => !isTold(seen)).length, 0)
  report.note('others', tellStatuses(longSeen))
  report.exactly('exit status', code ?? 'a signal', 0)
  report.atMost('exit after', exitMs / 1000, scale.seconds + 0.5 + EXIT_AFTER_S, 's')
  const entries = await settledEntries(house)
  const faults = disagreements([...shortSeen, ...longSeen], await house.truth(), entries)
  report.exactly('disagreements of ledger and truth', faults.length, 0)
  for (const fault of faults.slice(0, 5)) report.note('disagreement', fault)
}

export const drain: Drill = {
  name: 'drain',
  about:
    'SIGTERM at a replica with 300 live streams: none is cut inside the window, the others are told, and it ends in time',
  replicas: 3,
  backends: ['redis'],
  seconds: 10,
  config: drainSettings,
  run,
}
