#!/usr/bin/env node
// `npm run drill -- NAME`: one command plays a drill and prints what it found; exit status 1 where a target was missed.
import { loadavg } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Drill, Scale } from './drill.ts'
import { drills } from './drills.ts'
import { type Backend, type House, startHouse } from './house.ts'
import { allMet, createReport, type Line, printLines } from './report.ts'

const readCount = (text: string): number => {
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('a whole number above 0')
  return count
}

const list = () => drills.map(({ name, about, seconds }) => `  ${name.padEnd(14)} ${about} (${seconds} s)`).join('\n')

const program = new Command('drill')
  .description('Shows under load, with three replicas, what Headgate promises.')
  .argument('[names...]', 'drills to play; none: what there is')
  .addOption(new Option('--backend <store>', 'where limits are counted').choices(['redis', 'postgres']))
  .option('--seconds <number>', 'length of the main part', readCount)
  .option('--seed <number>', 'of whatever is left to chance', readCount, 20_260_101)
  .option('--streams <number>', 'streams that are cut, where a drill does that', readCount, 500)
  .addOption(new Option('--store <where>', 'where assets are kept').choices(['disk', 's3']).default('disk'))
  .option('--json', 'one JSON line for each drill instead of a table')
  .addHelpText('after', () => `\nDrills:\n${list()}`)
  .parse()

const options = program.opts<{
  backend?: Backend
  seconds?: number
  seed: number
  streams: number
  store: Scale['store']
  json?: boolean
}>()

const play = async (drill: Drill, backend: Backend): Promise<void> => {
  const { seconds: asked = drill.seconds, seed, streams, store } = options
  const scale = { seconds: asked, seed, streams, store }
  const report = createReport()
  const loadBefore = loadavg()[0]?.toFixed(1)
  const begun = performance.now()
  let fault: string | null = null
  let house: House | null = null
  try {
    house = await startHouse({ backend, replicas: drill.replicas, config: await drill.config(scale) })
    await drill.run(house, report, scale)
  } catch (cause) {
    fault = (cause as Error).stack ?? String(cause)
  } finally {
    await house?.stop()
    await drill.end?.()
  }
  const lines: readonly Line[] = report.lines()
  const ok = fault === null && allMet(lines)
  if (!ok) process.exitCode = 1
  const seconds = Math.round((performance.now() - begun) / 1000)
  const facts = { drill: drill.name, backend, ...scale, took_seconds: seconds, load_before: Number(loadBefore) }
  if (options.json) process.stdout.write(`${JSON.stringify({ ...facts, ok, fault, lines })}\n`)
  else {
    process.stdout.write(
      `${drill.name}, counts in ${backend}, ${scale.seconds} s, seed ${scale.seed}: took ${seconds} s, load before ${loadBefore}\n\n` +
        `${lines.length > 0 ? `${printLines(lines)}\n\n` : ''}${fault === null ? '' : `${fault}\n\n`}${ok ? 'passed' : 'FAILED'}\n\n`,
    )
  }
}

if (program.args.length === 0) process.stdout.write(`${list()}\n`)
const chosen = program.args.map((name): Drill => {
  const drill = drills.find((one) => one.name === name)
  return drill ?? program.error(`There is no drill ${name}; there are:\n${list()}`, { exitCode: 2 })
})
for (const drill of chosen) {
  for (const backend of options.backend ? [options.backend] : drill.backends) await play(drill, backend)
}
