import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificate } from '../../../../test/support/certificate.ts'
import { ask, faultOf, openaiAt, providerKey, providersOf, secret, until } from '../__fixtures__/setting.ts'

let upstream: Upstream
const opened: { close(): Promise<void> }[] = []
beforeAll(async () => {
  upstream = await startUpstream()
})
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(() => upstream.close())

const short = (more: Record<string, number>) => {
  const made = providersOf(openaiAt(upstream.url, { timeouts: more }), { random: () => 0 })
  opened.push(made)
  return made
}

describe('deadlines', () => {
  it.each([
    ['hang', true, { firstByteMs: 200 }, 'first_byte'],
    ['stall-after-headers', true, { firstByteMs: 200 }, 'first_byte'],
    ['hang', true, { totalMs: 200 }, 'total'],
    ['hang', false, { totalMs: 200 }, 'total'],
    ['stall-after-headers', false, { idleMs: 200 }, 'idle'],
  ])('%s, stream %s, %j: %s', async (script, stream, timeouts, phase) => {
    const made = short(timeouts)
    const fault = await faultOf(ask(made, `up/gpt-4o;${script}`, { stream }, undefined, `req_${script}_${phase}`))
    expect(fault.code).toBe('upstream_timeout')
    expect(fault.options['params']).toEqual({ phase })
    // What was begun may be billed: no second try, and the first is cut off.
    expect(made.attemptsOf(fault)).toHaveLength(1)
    await until(() => upstream.truthOf(`req_${script}_${phase}`)[0]?.outcome === 'aborted')
  })

  it('do not cut a slow whole answer that keeps coming', async () => {
    const answer = await ask(short({ idleMs: 250, firstByteMs: 100 }), 'up/gpt-4o;drip=600;parts=5')
    expect(answer.kind).toBe('json')
  })

  it('a whole answer may take longer to begin than a stream', async () => {
    expect((await ask(short({ firstByteMs: 100 }), 'up/gpt-4o;delay=300')).kind).toBe('json')
  })
})

describe('connections that fail', () => {
  const at = (baseUrl: string, connectMs = 300) => {
    const made = providersOf(
      { up: { kind: 'openai', baseUrl, apiKey: secret(providerKey), timeouts: { connectMs } } },
      { random: () => 0 },
    )
    opened.push(made)
    return made
  }

  it.each([
    ['a closed port', 'http://127.0.0.1:1/v1', 'refused'],
    ['a name that does not exist', 'http://no-such-host.invalid/v1', 'dns'],
  ])('%s', async (_, baseUrl, reason) => {
    const made = at(baseUrl)
    const fault = await faultOf(ask(made, 'up/m'))
    expect(fault.code).toBe('upstream_unreachable')
    expect(fault.options['params']).toEqual({ reason })
    expect(JSON.stringify({ ...fault.options, cause: undefined })).not.toMatch(/canary|127\.0\.0\.1|invalid/)
    expect(made.attemptsOf(fault)[0]).toMatchObject({ status: 0 })
  })

  /** A server that accepts connections and answers the first bytes with these, or never. */
  const plainAddress = async (answer: string | null): Promise<string> => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      if (answer !== null) socket.once('data', () => socket.end(answer))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    opened.push({ close: async () => void server.close() })
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  }

  it('TLS spoken to a server without it', async () => {
    const made = at(await plainAddress('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const fault = await faultOf(ask(made, 'up/m'))
    expect(fault.code).toBe('upstream_unreachable')
    expect(fault.options['params']).toEqual({ reason: 'tls' })
    // It will not get better by asking again.
    expect(made.attemptsOf(fault)).toHaveLength(1)
  })

  it('a certificate signed by nobody we trust', async () => {
    const server = createTlsServer(await makeCertificate('provider'), (socket) => socket.destroy())
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    opened.push({ close: async () => void server.close() })
    const made = at(`https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`)
    const fault = await faultOf(ask(made, 'up/m'))
    expect(fault.code).toBe('upstream_unreachable')
    expect(fault.options['params']).toEqual({ reason: 'tls' })
    expect(JSON.stringify({ ...fault.options, cause: undefined })).not.toMatch(/canary|127\.0\.0\.1|certificate/i)
    expect(made.attemptsOf(fault)).toHaveLength(1)
  })

  it('a handshake that never ends', async () => {
    const before = performance.now()
    const fault = await faultOf(ask(at(await plainAddress(null)), 'up/m'))
    expect(performance.now() - before).toBeLessThan(8_000)
    expect(fault.code).toBe('upstream_timeout')
    expect(fault.options['params']).toEqual({ phase: 'connect' })
  })
})
