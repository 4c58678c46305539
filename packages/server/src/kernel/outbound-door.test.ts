import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask } from './outbound-answer.ts'
import { AddressRefused, configuredDoor, openDoor } from './outbound-door.ts'
import { askForObject } from './outbound-object.ts'
import { deliver, exchange, fetchJson, openAnswer } from './outbound.ts'

let server: Server
let port: number
let connections = 0
beforeAll(async () => {
  server = createServer((_request, response) => response.end('{}'))
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

it('names lead only where they may, all of their addresses, and addresses too', async () => {
  const zone: Record<string, readonly string[]> = {
    good: ['127.0.0.1'],
    bad: ['127.0.0.2'],
    mixed: ['127.0.0.1', '::1'],
  }
  const asked: string[] = []
  const door = openDoor({
    mayReach: (address) => address === '127.0.0.1',
    resolve: async (name) => {
      asked.push(name)
      return (zone[name] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    },
  })
  const reach = (host: string) =>
    request(`http://${host}:${port}/`, { dispatcher: door }).then((made) => made.body.dump())
  await reach('good')
  await reach('127.0.0.1')
  // Other ways to write the same are the same.
  await reach('0x7f.1')
  const before = connections
  for (const host of ['bad', 'mixed', '127.0.0.2', '[::1]', '[::ffff:127.0.0.1]', '0x7f.0.0.2'])
    await expect(reach(host), host).rejects.toBeInstanceOf(AddressRefused)
  await expect(reach('nowhere')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  expect(connections).toBe(before)
  expect(asked).toEqual(['good', 'bad', 'mixed', 'nowhere'])
})

it('nothing that is configured is sent to where machines tell their secrets', async () => {
  const headers = {}
  for (const host of [
    '169.254.169.254',
    '0xa9fea9fe',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[::ffff:169.254.169.254]',
    '100.100.100.200',
  ]) {
    const url = `http://${host}:${port}/`
    for (const reach of [
      () => deliver(url, {}, '{}', 1_000),
      () => fetchJson(url),
      () => exchange(url, { headers }, 1_000),
      () => openAnswer(url, { headers, body: '' }, 1_000),
      () => askForObject({ method: 'GET', url, headers, body: Buffer.alloc(0) }, 1_000, 10),
      () => ask(url, { timeoutMs: 1_000 }),
    ])
      await expect(reach(), host).rejects.toBeInstanceOf(AddressRefused)
  }
  expect((await deliver(`http://127.0.0.1:${port}/`, {}, '{}', 1_000)).status).toBe(200)
  expect((await request(`http://localhost:${port}/`, { dispatcher: configuredDoor })).statusCode).toBe(200)
})
