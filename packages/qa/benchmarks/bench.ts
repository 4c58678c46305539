import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { type Bench, createTable } from './bench-table.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { recordRun } from './history.ts'
import { type Call, openStreams, type Sample } from './load.ts'
import { descendants, proportionalKiB, residentKiB, startProcess } from './processes.ts'
import { addedTo, callsOfWay, interleave, medianOf, perCall, perPart, ratioOf, STEADY_ROUNDS } from './rounds.ts'
import { cache } from './sections/cache.ts'
import { decision } from './sections/decision.ts'
import { drain } from './sections/drain.ts'
import { full } from './sections/full.ts'
import { media } from './sections/media.ts'
import { portkey } from './sections/portkey.ts'
import { resume } from './sections/resume.ts'
import { rows } from './sections/rows.ts'
import { soak } from './sections/soak.ts'
import { translation } from './sections/translation.ts'
import { workers } from './sections/workers.ts'

const CALLS_PER_ROUND = 1_500
const STREAMS_PER_ROUND = 60
const PARTS = 200
const OPEN_STREAMS = 1_000
const CONCURRENCY = 8

/** Measured on the one gateway that all of them share; its ledger is counted in the end. */
const shared = ['start', 'open', 'whole', 'quiet', 'first', 'parts'] as const
/** With processes of their own. */
const apart = { decision, full, workers, drain, media, translation, cache, resume, portkey }
/** The same, and so long that they are measured only where they are named. */
const long = { rows, soak }
const names = [...shared, ...Object.keys(apart), ...Object.keys(long)]

const readCount = (text: string): number => {
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('a whole number above 0')
  return count
}
const program = new Command('bench')
  .description('Measures Headgate against a trivial proxy.')
  .argument('[sections...]', `what to measure: ${names.join(', ')}; none: all but ${Object.keys(long).join(' and ')}`)
  .option('--record', 'append the run to the history')
  .option('--requests <number>', 'requests of the soak', readCount, 1_000_000)
  .option('--rows <number>', 'rows of the filled ledger', readCount, 5_000_000)
  .parse()
const options = program.opts<{ record?: boolean; requests: number; rows: number }>()
const named = program.args
const unknown = named.filter((name) => !names.includes(name))
if (unknown.length > 0)
  program.error(`There is no section ${unknown.join(', ')}; there are: ${names.join(', ')}.`, { exitCode: 2 })
/** Whether a section is measured: all but the long ones are where none is named. */
const asked = (section: string): boolean => (named.length === 0 ? !(section in long) : named.includes(section))

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const chat = (model: string, stream: boolean) =>
  JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Say something about the sea.' }] })
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'))
const upstream = await startProcess(here('../upstream/cli.ts'), ['--port', '0'], /listening on (http:\S+)/)
const upstreamUrl = upstream.match[1] as string
const trivial = await startProcess(here('trivial-proxy.ts'), [upstreamUrl], /listening on (\d+)/)
const trivialUrl = `http://127.0.0.1:${trivial.match[1]}`
const table = createTable()
const { report } = table

type Load = 'whole' | 'long stream' | 'short stream'
const scripts: Record<Load, string> = {
  whole: 'gpt-4o-mini',
  'long stream': `gpt-4o-mini;parts=${PARTS};part-delay=1`,
  'short stream': 'gpt-4o-mini;parts=10;part-delay=1',
}
const slowScript = 'gpt-4o-mini;parts=600;part-delay=1000'

const measureShared = async (headgate: Gateway): Promise<void> => {
  const authorization = `Bearer ${await headgate.makeKey()}`
  let made = 0
  const throughHeadgate = (script: string, stream: boolean): Call => ({
    origin: headgate.url,
    headers: { authorization },
    body: chat(`up/${script}`, stream),
  })
  const inTurn = (load: Load, count: number, concurrency: number, warmUpRounds?: number) => {
    const script = scripts[load]
    const isStream = load !== 'whole'
    const straight = (origin: string): Call => ({ origin, headers: {}, body: chat(script, isStream) })
    made += callsOfWay(count, warmUpRounds)
    const ways = {
      direct: { pids: [upstream.pid], call: straight(upstreamUrl) },
      trivial: { pids: [trivial.pid], call: straight(trivialUrl) },
      headgate: { pids: [headgate.pid], call: throughHeadgate(script, isStream) },
    }
    return interleave(ways, count, concurrency, warmUpRounds)
  }

  const measure: Record<(typeof shared)[number], () => Promise<void>> = {
    start: async () => {
      await pause(3_000)
      report('second start, ready', headgate.readyMs, 0, ' ms', { most: 1500 })
      report('idle Node.js process', residentKiB(headgate.pid) / 1024, 1, ' MiB', { most: 130 })
      report('idle PostgreSQL', proportionalKiB(descendants(headgate.pid)) / 1024, 1, ' MiB', { most: 90 })
    },
    open: async () => {
      await pause(3_000)
      const idle = residentKiB(headgate.pid)
      const held = await openStreams(throughHeadgate(slowScript, true), OPEN_STREAMS)
      made += OPEN_STREAMS
      await pause(5_000)
      const grown = residentKiB(headgate.pid) - idle
      report('1,000 open streams, each', grown / OPEN_STREAMS, 1, ' KiB', { most: 60 })
      await held.close()
      await pause(2_000)
    },
    whole: async () => {
      const busy = await inTurn('whole', CALLS_PER_ROUND, CONCURRENCY, STEADY_ROUNDS)
      report('CPU per request, trivial proxy', medianOf(busy.trivial, perCall), 0, ' µs')
      report('CPU per request, Headgate', medianOf(busy.headgate, perCall), 0, ' µs')
      report('CPU per request, ratio', ratioOf(busy.headgate, busy.trivial, perCall), 2, ' ×', { most: 2.2 })
    },
    quiet: async () => {
      const { direct, headgate: own } = await inTurn('whole', CALLS_PER_ROUND / 3, 1)
      const total = (sample: Sample) => sample.totalMs
      report('added p50, one at a time', addedTo(direct, own, total, 0.5), 2, ' ms', { most: 1 })
      report('added p95, one at a time', addedTo(direct, own, total, 0.95), 2, ' ms')
    },
    first: async () => {
      const { direct, headgate: own } = await inTurn('short stream', STREAMS_PER_ROUND, 1)
      const firstByte = (sample: Sample) => sample.firstByteMs
      report('stream: added first byte p50', addedTo(direct, own, firstByte, 0.5), 2, ' ms', { most: 1 })
    },
    parts: async () => {
      const streams = await inTurn('long stream', STREAMS_PER_ROUND, CONCURRENCY)
      report('stream: CPU per part, trivial proxy', medianOf(streams.trivial, perPart), 1, ' µs')
      report('stream: CPU per part, Headgate', medianOf(streams.headgate, perPart), 1, ' µs')
      report('stream: CPU per part, ratio', ratioOf(streams.headgate, streams.trivial, perPart), 2, ' ×', { most: 1.3 })
    },
  }
  for (const section of shared) if (asked(section)) await measure[section]()
  const written = await headgate.drainedRows()
  process.stdout.write(`ledger rows ${written}, requests ${made}\n`)
  if (written !== made) process.exitCode = 1
}

try {
  if (shared.some(asked)) {
    const start = () =>
      startGateway({ folder: join(folder, 'shared'), upstreamUrl, models: [...Object.values(scripts), slowScript] })
    await (await start()).stop()
    const headgate = await start()
    try {
      await measureShared(headgate)
    } finally {
      await headgate.stop()
    }
  }
  const { requests, rows: filled } = options
  const bench: Bench = {
    folder,
    upstreamUrl,
    trivial: { url: trivialUrl, pid: trivial.pid },
    report,
    requests,
    rows: filled,
  }
  for (const [name, section] of Object.entries({ ...apart, ...long })) if (asked(name)) await section(bench)
  process.stdout.write(table.text())
  if (options.record && process.exitCode === undefined) recordRun(table.figures(), new Date())
} finally {
  await Promise.all([trivial.stop(), upstream.stop()])
  await rm(folder, { recursive: true, force: true })
}
