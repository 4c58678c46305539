import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Figure, recordRun } from './history.ts'
import { type Call, makeCalls, openStreams, quantile, type Sample } from './load.ts'
import { cpuMs, descendants, proportionalKiB, residentKiB, startProcess } from './processes.ts'

const ROUNDS = 7
const CALLS_PER_ROUND = 1_500
const STREAMS_PER_ROUND = 60
const PARTS = 200
const OPEN_STREAMS = 1_000
const CONCURRENCY = 8
/** V8 still compiles what is hot after ten thousand calls. */
const WARM_UP_ROUNDS = 8

const sections = ['start', 'open', 'whole', 'quiet', 'first', 'parts'] as const
type Section = (typeof sections)[number]
const record = process.argv.includes('--record')
const named = process.argv.slice(2).filter((word) => word !== '--record')
const unknown = named.filter((name) => !sections.includes(name as Section))
if (unknown.length > 0) {
  process.stderr.write(`There is no section ${unknown.join(', ')}; there are: ${sections.join(', ')}.\n`)
  process.exit(2)
}
/** Whether a section is measured: all are where none is named. */
const asked = (section: Section): boolean => named.length === 0 || named.includes(section)

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const adminKey = 'bench-admin-key-0123456789abcdefghij'
const chat = (model: string, stream: boolean) =>
  JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Say something about the sea.' }] })

const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'))
const upstream = await startProcess(here('../upstream/cli.ts'), ['--port', '0'], /listening on (http:\S+)/)
const upstreamUrl = upstream.match[1] as string
const trivial = await startProcess(here('trivial-proxy.ts'), [upstreamUrl], /listening on (\d+)/)

const config = join(folder, 'headgate.yaml')
await writeFile(
  config,
  `profile: testing
log: { level: info }
providers: { up: { kind: openai, base_url: "${upstreamUrl}/v1", api_key: x } }
models:
  "up/gpt-4o-mini": { price: { input: 0.15, output: 0.6 } }
  "up/gpt-4o-mini;parts=${PARTS};part-delay=1": { price: { input: 0.15, output: 0.6 } }
  "up/gpt-4o-mini;parts=10;part-delay=1": { price: { input: 0.15, output: 0.6 } }
  "up/gpt-4o-mini;parts=600;part-delay=1000": { price: { input: 0.15, output: 0.6 } }
`,
)
/** The flags that `npm start` gives to Node.js, which are part of what is measured. */
const { scripts: commands } = JSON.parse(await readFile(here('../../../package.json'), 'utf8')) as {
  scripts: { start: string }
}
const nodeFlags = commands.start.split(' ').filter((word) => word.startsWith('--'))
const startHeadgate = () =>
  startProcess(
    here('../../server/src/cli.ts'),
    ['serve', '--config', config, '--port', '0', '--data-dir', join(folder, 'data')],
    /"port":(\d+)/,
    { env: { HEADGATE_ADMIN_KEY: adminKey }, nodeFlags },
  )
await (await startHeadgate()).stop()
const headgate = await startHeadgate()
const headgateUrl = `http://127.0.0.1:${headgate.match[1]}`

const admin = async (path: string, body?: object): Promise<Record<string, unknown>> => {
  const answer = await fetch(headgateUrl + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}
// With a budget, so that every call is reserved and settled against it.
const budget = { limit_usd: '1000000', window: 'month' }
const { key } = await admin('/admin/v1/keys', { name: 'bench', tier: 'internal', budget })

type Load = 'whole' | 'long stream' | 'short stream'
const scripts: Record<Load, string> = {
  whole: 'gpt-4o-mini',
  'long stream': `gpt-4o-mini;parts=${PARTS};part-delay=1`,
  'short stream': 'gpt-4o-mini;parts=10;part-delay=1',
}
const callTo = (way: Way, load: Load): Call => ({
  origin: { direct: upstreamUrl, trivial: `http://127.0.0.1:${trivial.match[1]}`, headgate: headgateUrl }[way],
  headers: way === 'headgate' ? { authorization: `Bearer ${String(key)}` } : {},
  body: chat(way === 'headgate' ? `up/${scripts[load]}` : scripts[load], load !== 'whole'),
})

type Way = 'direct' | 'trivial' | 'headgate'
const ways: readonly Way[] = ['direct', 'trivial', 'headgate']
const pidOf = { direct: upstream.pid, trivial: trivial.pid, headgate: headgate.pid }

interface Round {
  readonly samples: Sample[]
  readonly cpuMs: number
}
let headgateCalls = 0
const run = async (way: Way, load: Load, count: number, concurrency: number): Promise<Round> => {
  const before = cpuMs(pidOf[way])
  const samples = await makeCalls(callTo(way, load), count, concurrency)
  if (way === 'headgate') headgateCalls += count
  return { samples, cpuMs: cpuMs(pidOf[way]) - before }
}
/** Rounds of the three ways in turn, so that a slow minute of the machine hits all of them. */
const interleave = async (load: Load, count: number, concurrency: number) => {
  const rounds: Record<Way, Round[]> = { direct: [], trivial: [], headgate: [] }
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const way of ways) {
      const result = await run(way, load, count, concurrency)
      if (round >= 0) rounds[way].push(result)
    }
  }
  return rounds
}

const figures: Figure[] = []
const table: { figure: string; value: string; target: string; met: boolean | null }[] = []
const report = (figure: string, value: number, digits: number, unit: string, most?: number) => {
  figures.push({ figure, value: Number(value.toFixed(digits)), unit: unit.trim(), most: most ?? null })
  table.push({
    figure,
    value: `${value.toFixed(digits)}${unit}`,
    target: most === undefined ? '' : `≤ ${most}${unit}`,
    met: most === undefined ? null : value <= most,
  })
}
const medianOf = (rounds: readonly Round[], pick: (round: Round) => number) => quantile(rounds.map(pick))
const ratios = (rounds: Record<Way, Round[]>, pick: (round: Round) => number) =>
  quantile(rounds.headgate.map((round, index) => pick(round) / pick(rounds.trivial[index] as Round)))
const added = (rounds: Record<Way, Round[]>, pick: (sample: Sample) => number, part: number) =>
  quantile(
    rounds.headgate.map(
      (round, index) =>
        quantile(round.samples.map(pick), part) - quantile((rounds.direct[index] as Round).samples.map(pick), part),
    ),
  )

/** Rows in the ledger, asked for until they no longer grow. */
const drainedRows = async (): Promise<number> => {
  for (let rows = -1; ; ) {
    const usage = (await admin('/admin/v1/usage?group_by=key')) as { data: { requests: number }[] }
    const now = usage.data.reduce((sum, row) => sum + row.requests, 0)
    if (now === rows) return rows
    rows = now
    await new Promise((resolve) => setTimeout(resolve, 3_000))
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const measure: Record<Section, () => Promise<void>> = {
  start: async () => {
    await pause(3_000)
    report('second start, ready', headgate.readyMs, 0, ' ms', 1500)
    report('idle Node.js process', residentKiB(headgate.pid) / 1024, 1, ' MiB', 130)
    report('idle PostgreSQL', proportionalKiB(descendants(headgate.pid)) / 1024, 1, ' MiB', 90)
  },
  open: async () => {
    await pause(3_000)
    const idle = residentKiB(headgate.pid)
    const slow = { ...callTo('headgate', 'long stream'), body: chat('up/gpt-4o-mini;parts=600;part-delay=1000', true) }
    const held = await openStreams(slow, OPEN_STREAMS)
    headgateCalls += OPEN_STREAMS
    await pause(5_000)
    report('1,000 open streams, each', (residentKiB(headgate.pid) - idle) / OPEN_STREAMS, 1, ' KiB', 60)
    await held.close()
    await pause(2_000)
  },
  whole: async () => {
    const busy = await interleave('whole', CALLS_PER_ROUND, CONCURRENCY)
    const perCall = ({ cpuMs: cpu, samples }: Round) => (cpu * 1000) / samples.length
    report('CPU per request, trivial proxy', medianOf(busy.trivial, perCall), 0, ' µs')
    report('CPU per request, Headgate', medianOf(busy.headgate, perCall), 0, ' µs')
    report('CPU per request, ratio', ratios(busy, perCall), 2, ' ×', 2.2)
  },
  quiet: async () => {
    const quiet = await interleave('whole', CALLS_PER_ROUND / 3, 1)
    const total = (sample: Sample) => sample.totalMs
    report('added p50, one at a time', added(quiet, total, 0.5), 2, ' ms', 1)
    report('added p95, one at a time', added(quiet, total, 0.95), 2, ' ms')
  },
  first: async () => {
    const short = await interleave('short stream', STREAMS_PER_ROUND, 1)
    const firstByte = (sample: Sample) => sample.firstByteMs
    report('stream: added first byte p50', added(short, firstByte, 0.5), 2, ' ms', 1)
  },
  parts: async () => {
    const streams = await interleave('long stream', STREAMS_PER_ROUND, CONCURRENCY)
    const perPart = ({ cpuMs: cpu, samples }: Round) =>
      (cpu * 1000) / samples.reduce((sum, sample) => sum + sample.events, 0)
    report('stream: CPU per part, trivial proxy', medianOf(streams.trivial, perPart), 1, ' µs')
    report('stream: CPU per part, Headgate', medianOf(streams.headgate, perPart), 1, ' µs')
    report('stream: CPU per part, ratio', ratios(streams, perPart), 2, ' ×', 1.3)
  },
}

try {
  for (const section of sections) if (asked(section)) await measure[section]()

  const rows = await drainedRows()
  const width = Math.max(...table.map(({ figure }) => figure.length))
  for (const { figure, value, target, met } of table)
    process.stdout.write(
      `${figure.padEnd(width)}  ${value.padStart(12)}  ${target.padStart(12)}  ${met === null ? '' : met ? 'met' : 'MISSED'}\n`,
    )
  process.stdout.write(`ledger rows ${rows}, requests ${headgateCalls}\n`)
  if (rows !== headgateCalls) process.exitCode = 1
  else if (record) recordRun(figures, new Date())
} finally {
  await Promise.all([headgate.stop(), trivial.stop(), upstream.stop()])
  await rm(folder, { recursive: true, force: true })
}
