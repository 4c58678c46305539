// Plays seeds of the simulation. `--seeds N` how many (1000), `--from N` the first (1), `--seed N` one alone, with its history;
// `--digests` tells the digest of each history; `--quiet` keeps the history of one to itself. `--plant NAME` edits a known bug into the sources first, and `--plant list` names them.
import { parseArgs } from 'node:util'
import { hookBuiltins } from './builtin-hooks.ts'
import { plantedFaults } from './planted.ts'
import { replaceSetImmediate } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    plant: { type: 'string' },
    digests: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
})

const say = (line: string) => process.stdout.write(`${line}\n`)

const main = async (): Promise<number> => {
  if (values.plant === 'list') {
    for (const { name } of plantedFaults) say(name)
    return 0
  }
  const planted = values.plant === undefined ? undefined : plantedFaults.find(({ name }) => name === values.plant)
  if (values.plant !== undefined && planted === undefined) throw new Error(`There is no planted bug "${values.plant}"`)
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
