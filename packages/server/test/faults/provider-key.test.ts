import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type Answer, ask, type Door } from './support/ask.ts'
import { type GatewayProcess, startGateway } from './support/gateway-process.ts'
import { dumpDatabase } from './support/ledger-rows.ts'
import { pause } from './support/load.ts'
import { startTactlessProvider, type TactlessProvider, tactlessModels } from './support/tactless-provider.ts'

// No pattern knows these: only who holds the secret can tell that it is one.
const canary = 'quiet zebra lamp'.replaceAll(' ', '.')
const headerCanary = 'amber/fox~tree'

let tactless: TactlessProvider
let database: TestDatabase
let gateway: GatewayProcess
const answers: Answer[] = []

const models = tactlessModels

beforeAll(async () => {
  tactless = await startTactlessProvider()
  const { url } = tactless
  database = await freshDatabase()
  const provider = { kind: 'openai', base_url: `${url}/v1`, api_key: canary, headers: { 'x-own': headerCanary } }
  gateway = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: url,
    environment: {
      HEADGATE_LOG_LEVEL: 'trace',
      HEADGATE_PROVIDERS: JSON.stringify({
        up: provider,
        away: { ...provider, base_url: 'http://127.0.0.1:1/v1' },
      }),
    },
  })
  const door: Door = { url: gateway.url, key: (await gateway.makeKey()).key }
  for (const model of models)
    for (const stream of [true, false]) answers.push(await ask(door, `up/${model}`, { stream }))
  for (const stream of [true, false]) answers.push(await ask(door, 'away/any', { stream }))
  answers.push(await ask({ ...door, key: canary }, 'up/401'))
  for (const path of ['/v1/models', '/v1/usage', '/metrics', '/readyz', '/openapi.json'])
    gathered.push(await (await gateway.request(path, { key: door.key })).text())
  await pause(500)
})
afterAll(async () => {
  await gateway.kill()
  await tactless.close()
  await database.drop()
})

const gathered: string[] = []

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())

const expectClean = (place: string, text: string) => {
  for (const secret of [canary, headerCanary]) {
    expect(
      text.includes(secret),
      `${secret} in ${place}: …${text.slice(Math.max(0, text.indexOf(secret) - 200))}`,
    ).toBe(false)
    expect(text.includes(encodeURIComponent(secret)), `${secret}, encoded, in ${place}`).toBe(false)
  }
}

describe('what is sent to a provider in confidence', () => {
  it('comes back in no answer and no header', () => {
    expect(answers).toHaveLength(models.length * 2 + 3)
    for (const answer of answers) {
      expectClean(answer.requestId, answer.text)
      expectClean(`headers of ${answer.requestId}`, JSON.stringify([...answer.headers]))
    }
    for (const text of gathered) expectClean('a page', text)
  })

  it('reached the provider, and its failures reached the caller', () => {
    for (const answer of answers) expect(answer.done).toBe(false)
    const later = answers.filter(({ status, code }) => status === 200 && code === 'upstream_error')
    expect(later.length).toBeGreaterThanOrEqual(3)
    for (const { text } of later) expect(text).toContain('***')
  })

  it('stands in no log line', () => {
    expect(gateway.output()).toContain('Request refused or failed')
    expectClean('the log', gateway.output())
  })

  it('stands in no table', async () => {
    const dump = await dumpDatabase(database.url)
    expect(dump).toContain('ledger_entries')
    expectClean('the database', dump)
  })

  it('stands in no file of the data folder', () => {
    const files = filesUnder(gateway.dataDirectory)
    expect(files.some((path) => path.includes('journal'))).toBe(true)
    for (const path of files) expectClean(path, readFileSync(path, 'latin1'))
  })
})
