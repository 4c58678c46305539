import { createServer, request as httpRequest } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../../../../test/support/certificate.ts'
import { ask, drain, faultOf, providersOf, secret, settingsOf } from '../__fixtures__/setting.ts'
import type { ProviderOptions } from '../provider-options.ts'

/** Where the proxy was asked to connect to. */
const tunnels: string[] = []
const proxy = createServer((_, response) => response.writeHead(405).end())
proxy.on('connect', (request, socket, head) => {
  tunnels.push(request.url ?? '')
  const [host, port] = (request.url ?? '').split(':')
  const target = connect(Number(port), host, () => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    target.write(head)
    target.pipe(socket).pipe(target)
  })
  for (const [one, other] of [
    [socket, target],
    [target, socket],
  ] as const)
    one.on('error', () => other.destroy()).on('close', () => other.destroy())
})

let upstream: Upstream
let tls: ReturnType<typeof createTlsServer>
let ca = ''
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port
const listening = (server: typeof proxy) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

beforeAll(async () => {
  upstream = await startUpstream()
  const { cert, key } = await makeCertificate('private authority')
  ca = cert
  tls = createTlsServer({ cert, key }, (incoming, response) => {
    const { method, headers, url } = incoming
    const outgoing = httpRequest(`${upstream.url}${url ?? ''}`, { method, headers } as never, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  await Promise.all([listening(tls), listening(proxy)])
})
beforeEach(() => {
  tunnels.length = 0
})
afterAll(async () => {
  for (const server of [tls, proxy]) {
    server.close()
    server.closeAllConnections()
  }
  await upstream.close()
})

const at = (more: Partial<ProviderOptions> = {}): Record<string, ProviderOptions> => ({
  up: { kind: 'openai', baseUrl: `https://localhost:${portOf(tls)}/v1`, ...more },
})
const through = () => `http://127.0.0.1:${portOf(proxy)}`

describe('a private authority', () => {
  it('is trusted by the providers that name it, and by no other', async () => {
    const providers = providersOf({ ...at({ ca }), strange: at().up as ProviderOptions })
    expect((await ask(providers, 'up/gpt-4o-mini')).kind).toBe('json')
    const fault = await faultOf(ask(providers, 'strange/gpt-4o-mini'))
    expect([fault.code, fault.options['params']]).toEqual(['upstream_unreachable', { reason: 'tls' }])
    await providers.close()
  })

  it('may be trusted by all', async () => {
    const providers = providersOf(at(), { ca })
    expect((await ask(providers, 'up/gpt-4o-mini')).kind).toBe('json')
    await providers.close()
  })
})

describe('an outbound proxy', () => {
  it('carries calls and streams through a tunnel, whose end it cannot read', async () => {
    const providers = providersOf(at({ ca, proxy: through() }))
    const answer = await ask(providers, 'up/gpt-4o-mini', { stream: true })
    if (answer.kind !== 'events') throw new Error('expected a stream')
    expect(await drain(answer.source)).toContain('[DONE]')
    expect(tunnels).toEqual([`localhost:${portOf(tls)}`])
    await providers.close()
  })

  it('tunnels plain HTTP as well, and ends with the caller who leaves', async () => {
    const providers = providersOf({ up: { kind: 'openai', baseUrl: `${upstream.url}/v1` } }, { proxy: through() })
    const leaving = new AbortController()
    const asked = ask(
      providers,
      'up/gpt-4o-mini;part-delay=200;parts=500',
      { stream: true },
      leaving.signal,
      'req_leaves',
    )
    const answer = await asked
    if (answer.kind !== 'events') throw new Error('expected a stream')
    const ended = drain(answer.source).catch(() => 'ended')
    answer.source.abort()
    void ended
    await expect.poll(() => upstream.truthOf('req_leaves')[0]?.outcome, { timeout: 15_000 }).toBe('aborted')
    expect(tunnels).toEqual([new URL(upstream.url).host])
    await providers.close()
  })

  it('of all is left aside by the providers that say so, and by the next reading of the configuration', async () => {
    const direct = at({ ca, proxy: null })
    const providers = providersOf(direct, { proxy: through() })
    await ask(providers, 'up/gpt-4o-mini')
    expect(tunnels).toEqual([])
    providers.reconfigure({ ...settingsOf(at({ ca })), proxy: through() })
    await ask(providers, 'up/gpt-4o-mini')
    expect(tunnels).toHaveLength(1)
    await providers.close()
  })

  it('is told the login that it was given for, and no other proxy is', async () => {
    const logins: (string | undefined)[] = []
    const asking = createServer()
    asking.on('connect', (request, socket) => {
      logins.push(request.headers['proxy-authorization'])
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="out"\r\n\r\n')
    })
    await listening(asking)
    const address = `http://127.0.0.1:${portOf(asking)}`
    const shared = { proxy: address, proxyLogin: secret('house:pass:wörd') }
    const own = { proxy: address, proxyLogin: secret('own:other') }
    const providers = providersOf(
      {
        up: at({ ca }).up as ProviderOptions,
        own: at({ ca, ...own }).up as ProviderOptions,
        bare: at({ ca, proxy: address }).up as ProviderOptions,
      },
      shared,
    )
    const fault = await faultOf(ask(providers, 'up/gpt-4o-mini'))
    expect(fault.code).toBe('upstream_unreachable')
    expect(JSON.stringify(fault.options['details'] ?? '') + fault.message).not.toContain('wörd')
    expect(providers.secretsOf('up')).toContain('pass:wörd')
    await faultOf(ask(providers, 'own/gpt-4o-mini'))
    await faultOf(ask(providers, 'bare/gpt-4o-mini'))
    const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`
    expect([...new Set(logins)]).toEqual([basic('house:pass:wörd'), basic('own:other'), undefined])
    providers.reconfigure({ ...settingsOf(at({ ca })), proxy: address, proxyLogin: secret('house:changed') })
    await faultOf(ask(providers, 'up/gpt-4o-mini'))
    expect(logins.at(-1)).toBe(basic('house:changed'))
    await providers.close()
    asking.close()
    asking.closeAllConnections()
  })

  it('that refuses or is away is an unreachable provider', async () => {
    const refusing = createServer()
    refusing.on('connect', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
    await listening(refusing)
    const address = `http://127.0.0.1:${portOf(refusing)}`
    const providers = providersOf(at({ ca, proxy: address }))
    expect((await faultOf(ask(providers, 'up/gpt-4o-mini'))).code).toBe('upstream_unreachable')
    refusing.close()
    refusing.closeAllConnections()
    expect((await faultOf(ask(providers, 'up/gpt-4o-mini'))).code).toBe('upstream_unreachable')
    await providers.close()
  })
})
