import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { environment } from './env.ts'
import { checkConfig, configJsonSchema, explainConfig } from './explain.ts'

let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'headgate-explain-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

test('check names the faults and makes nothing', async () => {
  expect(await checkConfig({ cwd, environment: {} })).toEqual({ ok: true, faults: [] })
  expect(await checkConfig({ cwd, environment: { HEADGATE_PORT: 'x' } })).toMatchObject({
    ok: false,
    faults: [{ option: 'port' }],
  })
  expect(existsSync(join(cwd, '.headgate'))).toBe(false)
})

test('explain says where each value came from and hides secrets', async () => {
  writeFileSync(
    join(cwd, 'headgate.yaml'),
    'host: ${env:H}\nmodels: {demo/demo: {price: {input: 0.10, output: 1}}}\napikey: canary',
  )
  const { options, faults } = await explainConfig({
    cwd,
    environment: { H: 'canary', HEADGATE_ADMIN_KEY: 'canary'.repeat(8), OPENAI_API_KEY: 'canary' },
    flags: { port: '5' },
  })
  const of = (option: string) => options.find((explained) => explained.option === option)
  expect(of('port')).toMatchObject({ value: '5', source: 'flag', where: 'flag --port', environment: 'HEADGATE_PORT' })
  expect(of('host')).toMatchObject({ value: '***', source: 'file', where: 'headgate.yaml:1:1' })
  expect(of('models."demo/demo".price.input')).toMatchObject({ value: '0.10', where: 'headgate.yaml:2:30' })
  expect(of('providers.openai.api_key')).toMatchObject({
    value: '***',
    source: 'ambient',
    where: 'environment OPENAI_API_KEY',
  })
  expect(of('providers.demo.kind')).toMatchObject({ source: 'profile', where: 'profile development' })
  expect(of('timeouts.connect_ms')).toMatchObject({ value: '5000', source: 'default' })
  expect(faults.map((fault) => fault.option)).toEqual(['apikey'])
  expect(JSON.stringify(options)).not.toContain('canary')
})

test('the published schema takes what the loader takes', () => {
  const schema = configJsonSchema()
  const takes = (text: string): boolean => Value.Check(schema, parse(text))
  expect(takes('port: 1\nlog: {level: "${env:L}"}\nproviders: {demo: false, up: {kind: openai}}\ntls:')).toBe(true)
  expect(takes('models: {up/m: {price: {input: 0.1, output: "2"}}}\nport: ${env:P}')).toBe(true)
  expect(takes('prot: 1')).toBe(false)
  expect(takes('port: 99999')).toBe(false)
  expect(takes('tiers: {pro: false}')).toBe(false)
  expect(JSON.stringify(schema)).not.toContain('x-secret')
})

test('every variable is in the table once, with a meaning', () => {
  const names = environment.map((variable) => variable.name)
  expect(new Set(names).size).toBe(names.length)
  expect(environment.filter((variable) => variable.meaning === '')).toEqual([])
  for (const name of [
    'PROFILE',
    'HOST',
    'PORT',
    'DATA_DIR',
    'CONFIG',
    'ADMIN_KEY',
    'ROOT_KEY',
    'DATABASE_URL',
    'REDIS_URL',
    'LOG_LEVEL',
  ]) {
    expect(names).toContain(`HEADGATE_${name}`)
  }
  expect(names).toContain('HEADGATE_TIMEOUTS_CONNECT_MS')
})
