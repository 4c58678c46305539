import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { ask, faultOf, providersOf, until } from './__fixtures__/setting.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

const ollama = async (port = 0): Promise<Server> => {
  const server = createServer((request, response) => {
    if (request.url !== '/api/tags') return
    response.end(JSON.stringify({ models: [{ name: 'llama3.2:latest' }] }))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

/** The real clock, whose repeated timers fire when told. */
const handClock = () => {
  const repeated: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    every: (_, callback) => {
      repeated.push(callback)
      return { cancel: () => {} }
    },
  }
  return { clock, repeat: () => repeated.forEach((callback) => callback()) }
}

const looking = (url: string, clock: Clock, configs = {}) => {
  const providers = providersOf(configs, { lookedFor: { ollama: { kind: 'ollama', baseUrl: url } }, clock })
  opened.push(() => providers.close())
  return providers
}

describe('looking for an Ollama', () => {
  it('finds one that comes, and lets go of one that leaves', async () => {
    const first = await ollama()
    const { port } = first.address() as AddressInfo
    const { clock, repeat } = handClock()
    const providers = looking(`http://127.0.0.1:${port}`, clock)
    await providers.start?.()
    await until(() => providers.names().includes('ollama'))
    expect(providers.kindOf('ollama')).toBe('ollama')
    const models = await providers.listModels('ollama', new AbortController().signal)
    expect(models.map(({ id }) => id)).toEqual(['llama3.2:latest'])

    await stop(first)
    repeat()
    await until(() => !providers.names().includes('ollama'))
    expect((await faultOf(ask(providers, 'ollama/llama3.2:latest'))).code).toBe('upstream_unreachable')

    const second = await ollama(port)
    opened.push(() => stop(second))
    repeat()
    await until(() => providers.names().includes('ollama'))
  })

  it('leaves a configured one to its configuration', async () => {
    const { clock } = handClock()
    const providers = looking('http://127.0.0.1:1', clock, {
      ollama: { kind: 'ollama', baseUrl: 'http://127.0.0.1:2' },
    })
    await providers.start?.()
    expect(providers.names()).toEqual(['ollama'])
  })

  it('can be closed twice', async () => {
    const { clock } = handClock()
    const providers = looking('http://127.0.0.1:1', clock)
    await providers.start?.()
    await providers.stop?.()
    await providers.close()
  })
})
