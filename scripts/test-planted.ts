// Plants known bugs, one at a time, into a copy of the sources and demands that the accounts' tests find each.
// Arguments choose bugs by a part of their name; without any, all are planted.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type PlantedBug, plantedBugs } from './planted-bugs.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'headgate-planted-'))
// Fewer calls and rounds than the tests' own, but enough to find every bug.
const sizes = { TEST_ACCOUNTS_CALLS: '1000', TEST_ACCOUNTS_ROUNDS: '5' }

const say = (line: string) => process.stdout.write(`${line}\n`)

const copySources = (): void => {
  const isSource = (path: string) => !['node_modules', 'dist', 'coverage', '.headgate'].includes(basename(path))
  for (const name of ['packages', 'package.json', 'vitest.config.ts', 'tsconfig.json', 'tsconfig.base.json']) {
    cpSync(join(root, name), join(copy, name), { recursive: true, filter: isSource })
  }
  // Links to every dependency, but to the packages of the copy, so that nothing of the original is under test.
  const modules = join(copy, 'node_modules')
  mkdirSync(join(modules, '@headgate'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@headgate' && name !== '.vite') symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  for (const name of readdirSync(join(copy, 'packages'))) {
    symlinkSync(join(copy, 'packages', name), join(modules, '@headgate', name))
  }
}

interface Report {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly title: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

interface Finding {
  /** The tests that failed. */
  readonly failed: readonly string[]
  /** Why the run says nothing: the copy did not start or no test ran. */
  readonly broken: string | null
}

/** Runs tests of the accounts against the copy. */
const runTests = async (tests: readonly string[]): Promise<Finding> => {
  const outputFile = join(copy, 'report.json')
  rmSync(outputFile, { force: true })
  const files = tests.map((test) => `packages/server/test/accounts/${test}.test.ts`)
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs')
  const flags = ['run', ...files, '--reporter=json', `--outputFile=${outputFile}`]
  const child = spawn(process.execPath, [vitest, ...flags], {
    cwd: copy,
    env: { ...process.env, ...sizes },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000)
  })
  running = child
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  running = null
  let report: Report
  try {
    report = JSON.parse(readFileSync(outputFile, 'utf8')) as Report
  } catch {
    return { failed: [], broken: `vitest ended with ${code} and no report: ${errors}` }
  }
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const failures = results.filter(({ status }) => status === 'failed')
  const unstarted = failures
    .flatMap(({ failureMessages }) => failureMessages)
    .find((text) => /it was ready|was not ready/.test(text))
  const suite = report.testResults.find(({ message }) => message !== '')?.message
  if (unstarted) return { failed: [], broken: unstarted }
  if (failures.length === 0 && code !== 0)
    return { failed: [], broken: suite ?? `vitest ended with ${code}: ${errors}` }
  return { failed: failures.map(({ title }) => title), broken: null }
}

/** Makes the edits of a bug; answers what puts the files back. @throws Error when a text does not stand exactly once. */
const plant = (bug: PlantedBug): (() => void) => {
  const originals = new Map<string, string>()
  const restore = () => {
    for (const [path, text] of originals) writeFileSync(path, text)
  }
  for (const { file, find, replace } of bug.edits) {
    const path = join(copy, file)
    const text = readFileSync(path, 'utf8')
    if (!originals.has(path)) originals.set(path, text)
    const matches = text.split(find).length - 1
    if (matches !== 1) {
      restore()
      throw new Error(`"${bug.name}" cannot be planted: ${matches} places in ${file} read ${JSON.stringify(find)}`)
    }
    writeFileSync(
      path,
      text.replace(find, () => replace),
    )
  }
  return restore
}

let running: { kill(signal: NodeJS.Signals): boolean } | null = null
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    running?.kill('SIGTERM')
    rmSync(copy, { recursive: true, force: true })
    process.exit(130)
  })
}

const chosen = process.argv.slice(2)
const bugs = plantedBugs.filter(({ name }) => chosen.length === 0 || chosen.some((part) => name.includes(part)))
let found = 0
let missed = 0
try {
  copySources()
  // A text that moved is told before the first minute is spent.
  for (const bug of bugs) plant(bug)()
  const sound = await runTests([...new Set(bugs.map(({ test }) => test))])
  if (sound.broken !== null || sound.failed.length > 0) {
    throw new Error(`The tests must pass without a bug: ${sound.broken ?? sound.failed.join('; ')}`)
  }
  const width = Math.max(...bugs.map(({ name }) => name.length))
  for (const bug of bugs) {
    const begun = performance.now()
    const restore = plant(bug)
    const { failed, broken } = await runTests([bug.test])
    restore()
    if (broken !== null) throw new Error(`"${bug.name}" keeps the tests from running: ${broken}`)
    if (failed.length > 0) found += 1
    else missed += 1
    const seconds = ((performance.now() - begun) / 1_000).toFixed(0).padStart(3)
    const verdict = failed.length > 0 ? 'found ' : 'MISSED'
    say(
      `${verdict}  ${seconds} s  ${bug.name.padEnd(width)}  ${bug.test}${failed[0] === undefined ? '' : `: ${failed[0]}`}`,
    )
  }
  process.exitCode = missed === 0 && found > 0 ? 0 : 1
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 1
} finally {
  rmSync(copy, { recursive: true, force: true })
}
say(`${found} found, ${missed} missed`)
