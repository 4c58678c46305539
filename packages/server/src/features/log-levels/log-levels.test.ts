import type { LogLevels } from '@headgate/contract/log-levels.ts'
import { startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { expectError } from '../../../test/input/error-shape.ts'
import { freshDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type House, startHouse } from '../../../test/support/house.ts'
import { type ReceivedLine, readOtlpLines, type Receiver, startReceiver } from '../../../test/support/receivers.ts'

let database: TestDatabase
let receiver: Receiver
const houses: House[] = []

beforeAll(async () => {
  database = await freshDatabase()
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.close()
  await database.drop()
})

/** Lines that a house writes during `work`, read where they are sent. */
const linesOf = async (levels: object, work: (house: House) => Promise<void>): Promise<ReceivedLine[]> => {
  receiver.deliveries.length = 0
  const upstream = await startUpstream()
  const house = await startHouse({
    upstream,
    databaseUrl: database.url,
    config: { log_levels: JSON.stringify(levels), sinks_logs_url: `${receiver.url}/v1/logs` },
    environment: { HEADGATE_LOG_LEVEL: 'warn' },
  })
  houses.push(house)
  await work(house)
  await house.stop()
  await upstream.close()
  return readOtlpLines(receiver.deliveries)
}
const change = (house: House, levels: object) =>
  house.request('/admin/v1/log-levels', { method: 'PATCH', body: { levels, reason: 'a look' } })
const levelOf = (levels: LogLevels, component: string) =>
  levels.components.find((entry) => entry.component === component)
const asked = ({ attributes }: ReceivedLine) => attributes['route'] === '/v1/models'

it('a component has the level of the configuration, until an operator sets it; the audit knows', async () => {
  let first = ''
  let second = ''
  let third = ''
  const lines = await linesOf({ http: 'info' }, async (house) => {
    const { key } = await house.makeKey()
    const ask = async () => (await house.request('/v1/models', { key })).headers.get('x-request-id') ?? ''
    const shown = (await (await house.request('/admin/v1/log-levels')).json()) as LogLevels
    expect(shown.default).toBe('warn')
    expect(levelOf(shown, 'http')).toEqual({ component: 'http', level: 'info', source: 'configuration' })
    expect(levelOf(shown, 'ledger')).toEqual({ component: 'ledger', level: 'warn', source: 'default' })
    first = await ask()
    const changed = (await (await change(house, { http: 'silent', ledger: 'debug' })).json()) as LogLevels
    expect(levelOf(changed, 'http')).toEqual({ component: 'http', level: 'silent', source: 'operator' })
    second = await ask()
    const back = (await (await change(house, { http: null, ledger: null })).json()) as LogLevels
    expect(levelOf(back, 'http')?.source).toBe('configuration')
    third = await ask()
    const audit = (await (await house.request('/admin/v1/audit?limit=2')).json()) as { data: object[] }
    expect(audit.data).toMatchObject([
      { action: 'log_levels.changed', before: { http: 'silent', ledger: 'debug' }, after: {}, reason: 'a look' },
      { action: 'log_levels.changed', before: {}, after: { http: 'silent', ledger: 'debug' } },
    ])
  })
  expect(lines.filter(asked).map(({ attributes }) => attributes['request_id'])).toEqual([first, third])
  expect(second).not.toBe('')
})

it('what an operator has set outlives the process', async () => {
  await linesOf({}, async (house) => {
    expect((await change(house, { http: 'info' })).status).toBe(200)
  })
  const lines = await linesOf({}, async (house) => {
    await house.request('/v1/models', { key: (await house.makeKey()).key })
    await change(house, { http: null })
  })
  expect(lines.filter(asked)).toHaveLength(1)
})

it('refuses unknown components and levels', async () => {
  await linesOf({}, async (house) => {
    for (const levels of [{ colour: 'info' }, { http: 'loud' }, {}]) {
      const response = await change(house, levels)
      expect(response.status, JSON.stringify(levels)).toBe(400)
    }
    const unknown = await change(house, { htttp: 'info' })
    expectError({ status: unknown.status, headers: unknown.headers, text: await unknown.text() }, 'unknown_parameter')
  })
})
