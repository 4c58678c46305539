import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestText, talk } from '../input/raw.ts'
import { makeCertificate } from '../support/certificate.ts'
import { adminKey, type House, startHouse } from '../support/house.ts'

let plain: House
let secure: House
let cert: string
beforeAll(async () => {
  const made = await makeCertificate('hardened')
  cert = made.cert
  plain = await startHouse()
  secure = await startHouse({
    files: { 'headgate.yaml': 'tls: {cert: cert.pem, key: key.pem}', 'cert.pem': cert, 'key.pem': made.key },
  })
})
afterAll(() => Promise.all([plain.stop(), secure.stop()]))

const shake = (options: ConnectionOptions = {}): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const port = Number(new URL(secure.url).port)
    const socket = connect({ port, host: '127.0.0.1', ca: cert, ...options }, () => resolve(socket))
    socket.once('error', reject)
  })

describe('TLS', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused, also at the lowest level of security', async (version) => {
    const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }
    await expect(shake(old)).rejects.toThrow(/version|alert|reset/i)
  })

  it.each(['eNULL', 'aNULL', 'RC4', '3DES', 'EXPORT', 'LOW', 'MD5', 'kRSA'])(
    '1.2 with ciphers of %s finds none',
    async (ciphers) => {
      await expect(shake({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` })).rejects.toThrow()
    },
  )

  it('1.2 and 1.3 keep past sessions secret', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await shake({ maxVersion })
      expect(socket.getProtocol()).toBe(maxVersion)
      // A key of this connection alone; without one the object is empty.
      expect(socket.getEphemeralKeyInfo()).not.toEqual({})
      socket.destroy()
    }
  })

  it('a caller who speaks HTTP to it gets no answer in clear', async () => {
    const { answers } = await talk(secure.url.replace('https', 'http'), requestText('GET /livez'))
    expect(answers).toEqual([])
  })
})

describe('an answer', () => {
  const asked: [line: string, headers: Record<string, string>][] = [
    ['GET /', { accept: 'text/html' }],
    ['GET /docs/errors', { accept: 'text/html' }],
    ['GET /docs/api', { accept: 'text/html' }],
    ['GET /livez', {}],
    ['GET /openapi.json', {}],
    ['GET /v1/models', {}],
    ['GET /admin/v1/keys', { authorization: `Bearer ${adminKey}` }],
    ['GET /nowhere', {}],
    ['GET /nowhere', { accept: 'text/html' }],
    ['DELETE /livez', {}],
    ['TRACE /livez', { cookie: 'planted=1' }],
    ['TRACK /livez', { cookie: 'planted=1' }],
    ['OPTIONS /v1/models', {}],
    ['GET /liv%65z', {}],
    ['GET /livez', { 'x-bad': 'a\u0001b' }],
  ]
  it('names neither software nor version, sets no cookie, and gives nothing back of a TRACE', async () => {
    for (const [line, headers] of asked) {
      const { answers } = await talk(plain.url, requestText(line, { ...headers, connection: 'close' }))
      expect(answers, line).toHaveLength(1)
      const { headers: fields, text, status } = answers[0]!
      for (const name of ['server', 'x-powered-by', 'via', 'x-runtime', 'x-aspnet-version', 'set-cookie'])
        expect(fields.get(name), `${name} of ${line}`).toBeNull()
      expect(text.slice(0, 2_000), line).not.toMatch(/fastify|node\.js\/|express|nginx|planted/i)
      if (line.startsWith('TRAC')) expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
    }
  })

  it('for people runs no script from elsewhere, fits in no frame, and is taken for what it says', async () => {
    for (const path of ['/', '/docs/errors', '/docs/api']) {
      const { headers } = await fetch(plain.url + path, { headers: { accept: 'text/html' } })
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy, path).toMatch(/frame-ancestors 'none'/)
      expect(policy, path).toMatch(/default-src '(none|self)'/)
      expect(policy.match(/script-src[^;]*/)?.[0] ?? '', path).not.toMatch(/unsafe-inline|unsafe-eval|\*|https?:/)
      expect(headers.get('x-content-type-options'), path).toBe('nosniff')
      expect(headers.get('referrer-policy'), path).not.toBeNull()
    }
  })

  it('of the API may be kept by nobody', async () => {
    for (const path of ['/v1/models', '/admin/v1/keys', '/nowhere'])
      expect((await plain.request(path)).headers.get('cache-control'), path).toBe('private, no-store')
  })
})

describe('the files to deploy with', () => {
  const deploy = fileURLToPath(new URL('../../../../deploy', import.meta.url))
  const files = readdirSync(deploy, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const textOf = (name: string) => readFileSync(files.find((file) => file.endsWith(name)) as string, 'utf8')

  it('hold no password, and open nothing but a loopback address', () => {
    for (const file of files) {
      const text = readFileSync(file, 'utf8')
      expect(text, file).not.toMatch(
        /(password|secret|admin_key|root_key|api_key|token)["']?\s*[:=]\s*["']?(?!\$|\s|["']|\{)[a-z0-9]{4,}/i,
      )
      expect(text, file).not.toMatch(/trust\b.*auth|privileged:\s*true|user:\s*root/i)
    }
    for (const name of ['embedded.yaml', 'external.yaml'])
      for (const [, port] of textOf(name).matchAll(/ports:\s*\n\s*- (\S+)/g))
        expect(port, name).toMatch(/^127\.0\.0\.1:/)
  })

  it('tell no version of a proxy, and run without rights', () => {
    expect(textOf('nginx.conf')).toContain('server_tokens off;')
    expect(textOf('Dockerfile')).toMatch(/^USER (?!root|0)/m)
    for (const name of ['embedded.yaml', 'external.yaml']) {
      expect(textOf(name)).toContain('cap_drop: [ALL]')
      expect(textOf(name)).toContain('no-new-privileges:true')
    }
    expect(textOf('headgate.service')).toMatch(/NoNewPrivileges=(true|yes)/)
  })
})
