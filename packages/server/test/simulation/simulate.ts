// Plays seeds of the simulation. `--seeds N` how many (1000), `--from N` the first (1), `--processes N` by how many processes at once (1),
// `--seed N` one alone, with its history; `--digests` tells the digest of each history; `--quiet` keeps the history of one to itself. `--plant NAME` edits a known bug into the sources first, and `--plant list` names them.
import { execFile } from 'node:child_process'
import { parseArgs } from 'node:util'
import { hookBuiltins } from './builtin-hooks.ts'
import { plantedFaults } from './planted.ts'
import { replaceSetImmediate } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    processes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    plant: { type: 'string' },
    digests: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
})

const say = (line: string) => process.stdout.write(`${line}\n`)

/** How many seeds a process plays before it is given others, so that all end at about the same time. */
const SHARE = 100
const SUMMARY = /(\d+) with breaches; (\d+) calls, (\d+) events/

/** Has the seeds played by other processes, share by share. */
const playElsewhere = async (first: number, count: number, processes: number): Promise<number> => {
  const begun = performance.now()
  const sums = [0, 0, 0]
  let next = first
  const play = (from: number, seeds: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const flags = [import.meta.filename, '--seeds', `${seeds}`, '--from', `${from}`]
      if (values.digests) flags.push('--digests')
      execFile(process.execPath, flags, (_cause, stdout, stderr) => {
        if (SUMMARY.test(stdout)) resolve(stdout)
        else reject(new Error(`Seeds from ${from} were not played to their end: ${stderr}`))
      })
    })
  const work = async () => {
    while (next < first + count) {
      const from = next
      next = Math.min(from + SHARE, first + count)
      const lines = (await play(from, next - from)).trimEnd().split('\n')
      const summary = SUMMARY.exec(lines.pop() ?? '') ?? []
      for (const line of lines) say(line)
      for (const index of sums.keys()) sums[index] = (sums[index] ?? 0) + Number(summary[index + 1])
    }
  }
  await Promise.all(Array.from({ length: processes }, work))
  const [failed, calls, events] = sums
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1)
  say(`${count} seeds from ${first}, ${failed} with breaches; ${calls} calls, ${events} events, ${seconds} s`)
  return failed === 0 ? 0 : 1
}

const main = async (): Promise<number> => {
  if (values.plant === 'list') {
    for (const { name } of plantedFaults) say(name)
    return 0
  }
  const planted = values.plant === undefined ? undefined : plantedFaults.find(({ name }) => name === values.plant)
  if (values.plant !== undefined && planted === undefined) throw new Error(`There is no planted bug "${values.plant}"`)
  if (Number(values.processes) > 1 && values.seed === undefined && planted === undefined)
    return playElsewhere(Number(values.from), Number(values.seeds), Number(values.processes))
  hookBuiltins(planted?.edits ?? [])
  replaceSetImmediate()
  const { runSeed } = await import('./run-seed.ts')
  if (values.seed !== undefined) {
    const report = await runSeed(Number(values.seed), values.quiet ? null : say)
    for (const { rule, what, at } of report.breaches) say(`BREACH at ${at.toFixed(3)} ms: ${rule}: ${what}`)
    say(`seed ${report.seed}: ${report.breaches.length} breaches, digest ${report.digest}`)
    return report.breaches.length === 0 ? 0 : 1
  }
  // Refusals are errors that nobody reads the stack of.
  Error.stackTraceLimit = 0
  const begun = performance.now()
  const first = Number(values.from)
  const count = Number(values.seeds)
  let failed = 0
  let calls = 0
  let events = 0
  for (let seed = first; seed < first + count; seed++) {
    const report = await runSeed(seed)
    calls += report.calls
    events += report.events
    if (values.digests) say(`seed ${seed}: ${report.digest}`)
    const [breach] = report.breaches
    if (breach === undefined) continue
    failed += 1
    say(`seed ${seed}: ${breach.rule}: ${breach.what}`)
    if (planted !== undefined) {
      say(`"${planted.name}" was found by seed ${seed}, number ${seed - first + 1}`)
      return 1
    }
  }
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1)
  say(`${count} seeds from ${first}, ${failed} with breaches; ${calls} calls, ${events} events, ${seconds} s`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()
