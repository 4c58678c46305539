import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Diagnostics } from '@headgate/contract/diagnostics.ts'
import { header } from '@headgate/contract/headers.ts'
import { Command, InvalidArgumentError } from 'commander'
import { exchange, openAnswer } from '../kernel/outbound.ts'
import { outputOf } from './command-context.ts'
import { say, writeJson, writeRecord } from './output.ts'
import { addServerOptions, reach, refusal } from './running-server.ts'

type Given = Readonly<Record<string, unknown>>

const SHOW_MS = 10_000
/** For what the server does beside looking: standing still for a snapshot, sending. */
const PATIENCE_MS = 600_000
const MEBIBYTE = 1_048_576

const wholeNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is no whole number.')
  return Number(text)
}

/** Asks for a file and writes it, readable by its owner alone; what arrives in part is not left behind. */
const take = async (kind: 'cpu-profile' | 'heap-snapshot', wish: object, given: Given): Promise<void> => {
  const path = String(given['output'])
  if (existsSync(path)) throw new Error(`${path} is there already.`)
  const { url, headers } = await reach(given, '/admin/v1/diagnostics')
  const answer = await openAnswer(`${url}/${kind}`, { headers, body: JSON.stringify(wish) }, PATIENCE_MS)
  if (answer.status !== 200) {
    const parts: Buffer[] = []
    for await (const part of answer.body) parts.push(part)
    throw refusal(answer.status, Buffer.concat(parts).toString())
  }
  const partial = `${path}.part`
  const file = createWriteStream(partial, { flags: 'wx', mode: 0o600 })
  try {
    await pipeline(answer.body, file)
    renameSync(partial, path)
  } catch (cause) {
    rmSync(partial, { force: true })
    throw cause
  }
  const output = outputOf(given)
  const warning = answer.headers[header.warning]
  const { bytesWritten: bytes } = file
  if (output.json) writeJson({ object: kind.replace('-', '_'), path, bytes, warning: warning ?? null })
  else {
    say(output, `${path}: ${bytes} bytes.`)
    if (warning !== undefined) say(output, String(warning))
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / MEBIBYTE)} MiB`

const writeDiagnostics = (given: Given, found: Diagnostics): void => {
  const { process: own, event_loop: loop, memory, guard, heap_trend: trend, work } = found
  const waiting = work.providers.reduce((sum, provider) => sum + provider.waiting, 0)
  writeRecord(outputOf(given), found, [
    ['process', `${own.pid}, Headgate ${own.version}, Node.js ${own.node}, up ${own.uptime_seconds} s`],
    ['guard', guard.stage === 'calm' ? 'calm' : `${guard.stage} for ${guard.since_seconds} s: ${guard.cause}`],
    ['severity', `${guard.severity.toFixed(2)}, ${guard.refused} calls refused since the start`],
    ['event loop', `${loop.delay_ms.toFixed(1)} ms late, ${loop.utilization_percent.toFixed(0)} % busy`],
    ['heap', `${mebibytes(memory.heap_used_bytes)} of ${mebibytes(memory.heap_limit_bytes)}`],
    ['resident', `${mebibytes(memory.resident_bytes)}, buffers ${mebibytes(memory.array_buffers_bytes)}`],
    ['counted', `${mebibytes(memory.counted_bytes)} of ${mebibytes(memory.limit_bytes)} (${memory.limit_source})`],
    [
      'heap growth',
      trend.bytes_per_hour === null
        ? 'too little seen'
        : `${mebibytes(trend.bytes_per_hour)} per hour over ${trend.observed_minutes} minutes${trend.suspected ? ': a leak is suspected' : ''}`,
    ],
    ['streams', work.streams],
    ['waiting calls', waiting],
    ['ledger', `${work.ledger_queue} rows wait, ${work.ledger_holds} calls are open`],
    [
      'handles',
      Object.entries(found.handles)
        .map(([name, count]) => `${name} ${count}`)
        .join(', '),
    ],
    ['under way', found.running?.kind],
  ])
}

/** `headgate diagnostics show | heap-snapshot | cpu-profile`: asks a running server. */
export const diagnosticsCommand = (): Command => {
  const diagnostics = new Command('diagnostics').description('look into a running server')
  addServerOptions(diagnostics.command('show'))
    .description('show its event loop, memory, guards and open work')
    .action(async (given: Given) => {
      const { url, headers } = await reach(given, '/admin/v1/diagnostics')
      const { status, text } = await exchange(url, { headers }, SHOW_MS)
      if (status !== 200) throw refusal(status, text)
      writeDiagnostics(given, JSON.parse(text) as Diagnostics)
    })
  addServerOptions(diagnostics.command('cpu-profile'))
    .description('look where its time goes')
    .requiredOption('--output <file>', 'the .cpuprofile to write')
    .option('--seconds <seconds>', 'how long', wholeNumber, 10)
    .option('--interval-us <microseconds>', 'time between two samples', wholeNumber, 1_000)
    .option('--reason <text>', 'kept in the audit')
    .action(async (given: Given) => {
      const { seconds, intervalUs: interval_us, reason } = given
      await take('cpu-profile', { seconds, interval_us, ...(reason !== undefined && { reason }) }, given)
    })
  addServerOptions(diagnostics.command('heap-snapshot'))
    .description('write down its heap, secrets included; it stands still meanwhile')
    .requiredOption('--output <file>', 'the .heapsnapshot to write')
    .option('--reason <text>', 'kept in the audit')
    .action(async (given: Given) => {
      const { reason } = given
      await take('heap-snapshot', reason === undefined ? {} : { reason }, given)
    })
  return diagnostics
}
