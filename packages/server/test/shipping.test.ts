import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { createLog } from '../src/kernel/log.ts'
import { until } from './faults/support/load.ts'
import { locateProgram } from './support/debian-binaries.ts'
import { temporaryDirectory } from './support/services.ts'

const examples = fileURLToPath(new URL('../../../deploy/observability', import.meta.url))
const read = (name: string) => readFileSync(join(examples, name), 'utf8')

/** Lines as the process log writes them: of a request, of a defect with its stack, and with letters of every kind. */
const realLines = (): string[] => {
  const lines: string[] = []
  const log = createLog('info', { write: (line) => void lines.push(line), flush: () => undefined })
  log.info(
    { request_id: 'req_1', method: 'POST', route: '/v1/chat/completions', status: 200, duration_ms: 12.5 },
    'Request answered',
  )
  log.error(
    { request_id: 'req_2', code: 'internal_error', error: new Error('two\nlines "quoted"') },
    'Request failed by a defect',
  )
  log.warn({ component: 'ledger', count: 3, reason: 'Grüße 🦜 \\ \u001b[31m' }, 'Ledger rows wait for PostgreSQL')
  return lines
}

describe('rsyslog', () => {
  it('takes our lines apart whole, and finds those that somebody must act on', async () => {
    const folder = await temporaryDirectory('shipping')
    const logs = join(folder, 'log')
    await mkdir(logs)
    const { program, environment, root } = await locateProgram({
      programs: ['rsyslogd'],
      packages: ['rsyslog', 'libestr0', 'libfastjson4', 'liblognorm5'],
    })
    const configuration = join(folder, 'rsyslog.conf')
    await writeFile(
      configuration,
      `global(workDirectory="${folder}")\n${read('rsyslog.conf').replaceAll('/var/log/headgate', logs)}`,
    )
    const lines = realLines()
    await writeFile(join(logs, 'headgate.log'), lines.join(''))
    const modules = ['/usr/lib/x86_64-linux-gnu/rsyslog', '/usr/lib/aarch64-linux-gnu/rsyslog']
      .map((path) => (root === undefined ? path : join(root, path)))
      .find((path) => existsSync(path))
    const child = spawn(
      program,
      ['-n', '-f', configuration, '-i', join(folder, 'pid'), ...(modules ? ['-M', modules] : [])],
      {
        env: { ...process.env, ...environment },
        stdio: 'ignore',
      },
    )
    onTestFinished(() => void child.kill())
    const shipped = () => (existsSync(join(logs, 'shipped.log')) ? readFileSync(join(logs, 'shipped.log'), 'utf8') : '')
    await until('all lines are shipped', () => shipped().split('\n').length > lines.length, 30_000)
    const taken = shipped()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(taken).toEqual(lines.map((line) => JSON.parse(line) as unknown))
    const urgent = readFileSync(join(logs, 'act-now.log'), 'utf8').trim().split('\n')
    expect(urgent.map((line) => (JSON.parse(line) as { request_id: string }).request_id)).toEqual(['req_2'])
    expect(existsSync(join(logs, 'unparsed.log'))).toBe(false)
  })
})

describe('the other examples', () => {
  it('are YAML, and name no member that our lines have not', () => {
    const files = readdirSync(examples).filter((name) => /\.ya?ml$/.test(name))
    expect(files.length).toBeGreaterThan(4)
    for (const name of files) expect(parse(read(name)), name).toBeTypeOf('object')
    const members = new Set(realLines().flatMap((line) => Object.keys(JSON.parse(line) as object)))
    expect(members).toContain('time')
    expect((parse(read('fluent-bit.yaml')) as { parsers: { time_key: string }[] }).parsers[0]?.time_key).toBe('time')
    expect(read('vector.yaml')).toContain('del(.time)')
    expect(read('filebeat.yml')).toContain('headgate.time')
  })

  it('write the time as we do', () => {
    for (const line of realLines()) {
      const { time } = JSON.parse(line) as { time: string }
      expect(time).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
    }
  })
})
