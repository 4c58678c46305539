import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compareCoverage, type Shares, sharesOf } from './coverage-floor.ts'

/**
 * Runs the tests with coverage and compares the shares of `src` that they reach with `coverage.json`, which may only rise:
 * less fails, and `--raise` writes down what is more. What runs in processes of their own does not count.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const floorFile = join(root, 'coverage.json')
const parameters = process.argv.slice(2).filter((word) => word !== '--raise')

const { status } = spawnSync(
  process.execPath,
  ['scripts/test.ts', '--coverage', '--coverage.reporter=json-summary', ...parameters],
  { cwd: root, stdio: 'inherit' },
)
if (status !== 0) process.exit(status ?? 1)

const measured = sharesOf(readFileSync(join(root, 'coverage/coverage-summary.json'), 'utf8'))
const floor = JSON.parse(readFileSync(floorFile, 'utf8')) as Shares
const { lines, fallen, raised } = compareCoverage(floor, measured)
console.log(lines.join('\n'))
if (fallen) process.exit(1)
if (process.argv.includes('--raise')) writeFileSync(floorFile, `${JSON.stringify(raised, null, 2)}\n`)
