import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { locateGo, locatePython, samplesFolder } from './runners.ts'

const run = promisify(execFile)
const files = (pattern: string): string[] => globSync(pattern, { cwd: samplesFolder }).sort()

it('black would leave the Python samples as they are', async () => {
  const { program, environment } = await locatePython()
  const sources = files('**/*.py')
  expect(sources.length).toBeGreaterThan(12)
  const options = { cwd: samplesFolder, env: { ...process.env, ...environment } }
  await run(program, ['-m', 'black', '--check', '--diff', '--quiet', ...sources], options)
}, 300_000)

it('pylint finds nothing in the Python samples', async () => {
  const { program, environment } = await locatePython()
  const options = { cwd: samplesFolder, env: { ...process.env, ...environment, PYLINTHOME: '/dev/null' } }
  // Each is to be copied alone, so that they repeat each other; pytest is imported by the tests only.
  const quiet = ['--disable=duplicate-code', '--score=n', '--persistent=n']
  const { stdout } = await run(program, ['-m', 'pylint', ...quiet, ...files('**/*.py')], options).catch(
    (fault: { stdout: string; message: string }) => ({ stdout: fault.stdout || fault.message }),
  )
  expect(stdout).toBe('')
}, 300_000)

it('gofmt would leave the Go samples as they are', async () => {
  const { environment } = await locateGo()
  const options = { cwd: samplesFolder, env: { ...process.env, ...environment } }
  expect((await run('gofmt', ['-l', ...files('*/go.go')], options)).stdout).toBe('')
}, 300_000)
