import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { type House, startHouse } from '../support/house.ts'
import { hostileUrls, hostileZone } from './hostile-urls.ts'

// A picture of one pixel.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
/** Put into a request beside the event loop. */
const wide = Buffer.concat([png, Buffer.alloc(1_500_000)])
const bomb = gzipSync(Buffer.concat([png, Buffer.alloc(50_000_000)]))
const MOST_BYTES = 2_000_000

const servers: Server[] = []
const listen = async (server: Server, host: string, port: number): Promise<number> => {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve()))
  servers.push(server)
  return (server.address() as AddressInfo).port
}

/** What stands in the public part of this small internet, by its path. */
const sites: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  '/picture.png': (_request, response) => response.setHeader('content-type', 'image/png').end(png),
  '/wide': (_request, response) => response.end(wide),
  '/typeless': (_request, response) => response.end(png),
  '/packed': (_request, response) =>
    response.setHeader('content-type', 'image/png').setHeader('content-encoding', 'gzip').end(gzipSync(png)),
  '/bomb': (_request, response) =>
    response.setHeader('content-type', 'image/png').setHeader('content-encoding', 'gzip').end(bomb),
  '/large': (_request, response) => response.setHeader('content-type', 'image/png').end(Buffer.alloc(MOST_BYTES + 1)),
  '/endless': (_request, response) => {
    response.setHeader('content-type', 'image/png')
    const timer = setInterval(() => response.write(Buffer.alloc(400_000)), 1)
    response.on('close', () => clearInterval(timer))
  },
  '/page': (_request, response) => response.setHeader('content-type', 'text/html').end(png),
  '/script.png': (_request, response) => response.setHeader('content-type', 'image/png').end('<svg onload="1"/>'),
  '/silent': () => undefined,
  '/gone': (_request, response) => response.writeHead(404).end(),
  '/cookies': ({ headers }, response) => {
    const { accept, host, 'user-agent': agent, 'accept-encoding': encoding, connection, ...more } = headers
    response.writeHead(Object.keys(more).length === 0 ? 200 : 400, { 'content-type': 'image/png' }).end(png)
  },
}

let house: House
let upstream: Upstream
let dns: DnsServer
let key: string
let port: number
let turning: string
let discoveries = 0
const canary: string[] = []
const visits: string[] = []

beforeAll(async () => {
  const site = createServer((request, response) => {
    visits.push(request.url as string)
    const { pathname, searchParams } = new URL(request.url as string, 'http://site')
    const hops = Number(searchParams.get('hops') ?? 0)
    const to = searchParams.get('to')
    if (hops > 0) {
      const next =
        hops === 1 && to !== null ? to : `/hop?hops=${hops - 1}${to === null ? '' : `&to=${encodeURIComponent(to)}`}`
      response.writeHead(302, { location: next }).end()
    } else (sites[pathname] ?? sites['/picture.png'])?.(request, response)
  })
  port = await listen(site, '127.0.0.9', 0)
  // Where everything leads that must not be reached, at the port that may be.
  for (const host of ['127.0.0.1', '127.0.0.2', '::1']) {
    const server = createServer((_request, response) => response.setHeader('content-type', 'image/png').end(png))
    server.on('connection', () => canary.push(host))
    await listen(server, host, port)
  }
  dns = await startDnsServer({
    ...hostileZone,
    'public.example': ['127.0.0.9'],
    'rebinding.example': (asked) => (asked === 0 ? ['127.0.0.9'] : ['127.0.0.1']),
    'swinging.example': (asked) => (asked % 2 === 0 ? ['127.0.0.9'] : ['127.0.0.1']),
  })
  // Who configured it trusts it, and it names keys where nobody else may look.
  const documents = createServer((_request, response) => {
    discoveries++
    response.end(JSON.stringify({ issuer: turning, jwks_uri: `https://127.0.0.2:${port}/keys` }))
  })
  turning = `http://127.0.0.1:${await listen(documents, '127.0.0.1', 0)}`
  upstream = await startUpstream()
  const fetching = {
    plain_http: true,
    ports: [String(port)],
    max_bytes: MOST_BYTES,
    timeout_ms: 3_000,
    allowed_addresses: ['127.0.0.9'],
    operator_addresses: [],
    resolvers: [dns.address],
  }
  house = await startHouse({
    upstream,
    files: { 'headgate.yaml': JSON.stringify({ fetch: fetching }) },
    config: {
      issuers: { turning: { project: 'default', issuer: turning, audiences: ['app'] } },
      providers: { gem: { kind: 'gemini', base_url: upstream.url, api_key: 'k' } },
      models: { 'gem/gemini-3-flash': { price: { input: '1', output: '1' }, max_output_tokens: 4096 } },
    },
  })
  ;({ key } = await house.makeKey())
})
afterAll(async () => {
  await house.stop()
  await upstream.close()
  await dns.close()
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})
beforeEach(() => {
  canary.length = 0
  visits.length = 0
  upstream.reset()
})

const look = async (url: string, model = 'gem/gemini-3-flash') => {
  const content = [
    { type: 'text', text: 'What is it?' },
    { type: 'image_url', image_url: { url } },
  ]
  const answer = await house.request('/v1/chat/completions', {
    key,
    body: { model, messages: [{ role: 'user', content }], seed: 7 },
  })
  const text = await answer.text()
  const { error } = JSON.parse(text) as { error?: { code: string; message: string } }
  return { status: answer.status, code: error?.code ?? null, message: error?.message ?? '' }
}

describe('addresses that callers name', () => {
  it('never lead inside, however they are written: nothing connects to the canaries', async () => {
    const urls = hostileUrls(port)
    expect(urls.length).toBeGreaterThanOrEqual(60)
    for (const url of urls) {
      const { status, code, message } = await look(url)
      expect.soft([url, status, code], url).toEqual([url, 400, expect.stringMatching(/^url_(refused|unavailable)$/)])
      // Nobody learns what a name means in here.
      expect.soft(message, url).not.toMatch(/127\.0\.0|::1|169\.254|ECONN|ENOTFOUND/)
    }
    expect(canary).toEqual([])
    expect(upstream.requests()).toEqual([])
  })

  it('never lead inside by redirects', async () => {
    // What a header can hold and is no path of the same site.
    for (const url of hostileUrls(port).filter((one) => /^([a-z]+:)?[\\/]{2}[\x21-\x7e]*$/.test(one))) {
      for (const hops of [1, 3]) {
        const { status, code } = await look(
          `http://public.example:${port}/hop?hops=${hops}&to=${encodeURIComponent(url)}`,
        )
        expect.soft([url, status, code]).toEqual([url, 400, expect.stringMatching(/^url_(refused|unavailable)$/)])
      }
    }
    expect(canary).toEqual([])
  })

  it('mean what they meant when they were looked at: a name that turns inside is asked once, and another hop anew', async () => {
    expect((await look(`http://rebinding.example:${port}/picture.png`)).status).toBe(200)
    expect(visits).toEqual(['/picture.png'])
    expect((await look(`http://rebinding.example:${port}/picture.png`)).code).toBe('url_refused')
    const back = `http://swinging.example:${port}/picture.png`
    expect((await look(`http://swinging.example:${port}/hop?hops=1&to=${encodeURIComponent(back)}`)).code).toBe(
      'url_refused',
    )
    expect(canary).toEqual([])
  })

  it('are refused where no picture of a bearable size comes in time', async () => {
    const expected = {
      bomb: 'url_content_refused',
      large: 'url_content_refused',
      endless: 'url_content_refused',
      page: 'url_content_refused',
      'script.png': 'url_content_refused',
      silent: 'url_unavailable',
      gone: 'url_unavailable',
      'hop?hops=4': 'url_unavailable',
    }
    for (const [path, code] of Object.entries(expected))
      expect.soft([path, (await look(`http://public.example:${port}/${path}`)).code]).toEqual([path, code])
    expect((await look(`http://public.example:1/`)).code).toBe('url_refused')
  })
})

describe('pictures', () => {
  it('reach a provider that takes bytes alone, as bytes, and leave everything else of the request alone', async () => {
    for (const path of ['picture.png', 'typeless', 'packed', 'cookies', 'hop?hops=3'])
      expect([path, (await look(`http://public.example:${port}/${path}`)).status]).toEqual([path, 200])
    for (const { body } of upstream.requests()) {
      const [{ parts }] = (JSON.parse(body as string) as { contents: [{ parts: unknown[] }] }).contents
      expect(parts).toEqual([
        { text: 'What is it?' },
        { inlineData: { mimeType: 'image/png', data: png.toString('base64') } },
      ])
    }
    expect(upstream.requests()).toHaveLength(5)
  })

  it('that are large are put in beside the event loop', async () => {
    expect((await look(`http://public.example:${port}/wide`)).status).toBe(200)
    const [sent] = upstream.requests()
    expect(sent?.body_bytes).toBeGreaterThan((wide.length / 3) * 4)
  })

  it('are left to a provider that fetches them itself', async () => {
    const url = `http://inside.example:${port}/`
    const before = dns.askedFor('inside.example')
    expect((await look(url, 'up/gpt-4o-mini')).status).toBe(200)
    expect(upstream.requests()[0]?.body).toContain(JSON.stringify(url))
    expect(dns.askedFor('inside.example')).toBe(before)
    expect(canary).toEqual([])
  })

  it('of the Responses and Messages protocols are fetched too', async () => {
    const url = `http://public.example:${port}/picture.png`
    const model = 'gem/gemini-3-flash'
    const response = await house.request('/v1/responses', {
      key,
      body: { model, input: [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }], store: false },
    })
    const message = await house.request('/v1/messages', {
      key,
      body: {
        model,
        max_tokens: 50,
        messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url } }] }],
      },
    })
    expect([response.status, message.status]).toEqual([200, 200])
    for (const { body } of upstream.requests()) expect(body).toContain(png.toString('base64'))
    expect(visits).toEqual(['/picture.png', '/picture.png'])
  })
})

describe('keys of issuers', () => {
  const put = async (jwks_url: string): Promise<number> => {
    const issuer = { issuer: 'https://login.example', audiences: ['app'], jwks_url }
    const answer = await house.request('/admin/v1/projects/default/issuers/login', { method: 'PUT', body: issuer })
    return answer.status
  }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const callWith = async (iss: string) => {
    const token = [
      part({ alg: 'RS256', kid: '1' }),
      part({ iss, aud: 'app', sub: 'x', exp: 9_999_999_999 }),
      'AAAA',
    ].join('.')
    const answer = await house.request('/v1/models', { key: token })
    return ((await answer.json()) as { error: { code: string; message: string } }).error
  }

  it('are read from no address inside that an operator names while Headgate runs: nothing connects to the canaries', async () => {
    const urls = [
      ...hostileUrls(port).map((url) => url.replace(/^http:/, 'https:')),
      ...['127.0.0.1', 'localhost', '[::1]'].map((host) => `http://${host}:${port}/keys`),
    ]
    let taken = 0
    for (const url of urls) {
      if ((await put(url)) !== 200) continue
      taken++
      const { code, message } = await callWith('https://login.example')
      expect.soft([url, code]).toEqual([url, 'issuer_unavailable'])
      expect.soft(message).not.toMatch(/127\.0\.0|::1|169\.254|ECONN|ENOTFOUND/)
    }
    expect(taken).toBeGreaterThan(40)
    expect(canary).toEqual([])
  })

  it('are read from no address inside that the document of a trusted issuer names', async () => {
    expect((await callWith(turning)).code).toBe('issuer_unavailable')
    expect(discoveries).toBe(1)
    expect(canary).toEqual([])
  })
})
