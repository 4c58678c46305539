// Runs every package's tests. Arguments are vitest's own: a path, `-t name`, `--coverage`.
// The very last line is plain for people and machines alike: `N passed, N failed`.
import { parseCLI, startVitest, type Vitest } from 'vitest/node'

let vitest: Vitest | undefined
let interrupted = false

const interrupt = () => {
  if (interrupted) process.exit(130)
  interrupted = true
  process.exitCode = 130
  void vitest?.cancelCurrentRun('keyboard-input')
}
process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)

/** Counts tests, and as a failure also what kept tests from running: a file that does not load, a lost rejection. */
const count = (run: Vitest): { passed: number; failed: number } => {
  const results = { passed: 0, failed: run.state.getUnhandledErrors().length }
  for (const module of run.state.getTestModules()) {
    let failedTests = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') results.passed += 1
      if (state === 'failed') failedTests += 1
    }
    results.failed += failedTests > 0 || module.ok() ? failedTests : 1
  }
  return results
}

let outcome = { passed: 0, failed: 1 }
try {
  const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)])
  vitest = await startVitest('test', filter, { ...options, watch: false, run: true }, {})
  outcome = count(vitest)
  // A run that found nothing to run has shown nothing.
  if (outcome.passed + outcome.failed === 0) outcome = { passed: 0, failed: 1 }
  await vitest.close()
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.stack : String(cause)}\n`)
  await vitest?.close().catch(() => undefined)
}
if (!interrupted) process.exitCode = outcome.failed === 0 ? 0 : 1
process.stdout.write(`${outcome.passed} passed, ${outcome.failed} failed\n`, () => process.exit())
