import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificate } from '../support/certificate.ts'
import { freshDatabase } from '../support/database.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type GatewayProcess, startGateway } from './support/gateway-process.ts'
import { dumpDatabase } from './support/ledger-rows.ts'
import { until } from './support/load.ts'

const providerKey = 'sk-planted-provider-key-0001'
const resolver = fileURLToPath(new URL('support/test-resolver.mjs', import.meta.url))
/** Listens and never accepts: once its short line is full, the system drops what asks to connect. */
const blackHole = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
  process.stdout.write(this.address().port + '\\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
})`

let database: Awaited<ReturnType<typeof freshDatabase>>
let gateway: GatewayProcess
let key: string
let hole: ChildProcess
const tlsServers: Server[] = []
const waiting: Socket[] = []

/** A certificate of this moment's authority that ended yesterday. */
const expiredCertificate = async () => {
  const folder = await temporaryDirectory('expired')
  const { cert, key: privateKey } = await makeCertificate('expired')
  const at = (name: string) => join(folder, name)
  writeFileSync(at('key.pem'), privateKey)
  writeFileSync(
    at('ca.cnf'),
    `[ca]\ndefault_ca=d\n[d]\ndatabase=${at('index')}\nserial=${at('serial')}\nnew_certs_dir=${folder}\ndefault_md=sha256\npolicy=p\nunique_subject=no\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=CA:TRUE\n`,
  )
  writeFileSync(at('index'), '')
  writeFileSync(at('serial'), '01\n')
  writeFileSync(at('old.pem'), cert)
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'pipe' })
  openssl('req', '-new', '-key', at('key.pem'), '-subj', '/CN=expired', '-out', at('request.pem'))
  openssl(
    'ca',
    '-batch',
    '-config',
    at('ca.cnf'),
    '-selfsign',
    '-keyfile',
    at('key.pem'),
    '-in',
    at('request.pem'),
    '-out',
    at('cert.pem'),
    '-startdate',
    '20200101000000Z',
    '-enddate',
    '20210101000000Z',
    '-notext',
  )
  return { certPath: at('cert.pem'), key: privateKey }
}

const serveTls = async (options: { cert: string | Buffer; key: string }): Promise<number> => {
  const server = createServer(options, (socket) => socket.destroy())
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  tlsServers.push(server)
  return (server.address() as AddressInfo).port
}

beforeAll(async () => {
  hole = spawn(process.execPath, ['-e', blackHole], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(hole.stdout!, 'data')) as [Buffer]
  const holePort = Number(line.toString())
  // Fills the line of the hole, until one finds no place.
  for (let index = 0; index < 8; index++) waiting.push(connect(holePort, '127.0.0.1').on('error', () => {}))
  const expired = await expiredCertificate()
  const expiredPort = await serveTls({ cert: readFileSync(expired.certPath), key: expired.key })
  const strangerPort = await serveTls(await makeCertificate('stranger'))
  database = await freshDatabase()
  const timeouts = { connect_ms: 1_000 }
  const provider = (base_url: string) => ({ kind: 'openai', base_url, api_key: providerKey, timeouts })
  gateway = await startGateway({
    databaseUrl: database.url,
    upstreamUrl: 'http://127.0.0.1:1',
    environment: {
      NODE_OPTIONS: `--import=${resolver}`,
      NODE_EXTRA_CA_CERTS: expired.certPath,
      HEADGATE_MODELS: '{}',
      HEADGATE_PROVIDERS: JSON.stringify({
        missing: provider('http://missing.test/v1'),
        servfail: provider('http://servfail.test/v1'),
        silent: provider('http://silent.test/v1'),
        closed: provider('http://127.0.0.1:1/v1'),
        hole: provider(`http://127.0.0.1:${holePort}/v1`),
        expired: provider(`https://127.0.0.1:${expiredPort}/v1`),
        stranger: provider(`https://127.0.0.1:${strangerPort}/v1`),
      }),
    },
  })
  key = (await gateway.makeKey()).key
}, 60_000)
afterAll(async () => {
  hole.kill('SIGKILL')
  await gateway.kill()
  for (const socket of waiting) socket.destroy()
  for (const server of tlsServers) server.close()
  await database.drop()
})

const ask = async (provider: string, stream: boolean) => {
  const begun = performance.now()
  const answer = await gateway.request('/v1/chat/completions', {
    key,
    body: { model: `${provider}/m`, stream, messages: [{ role: 'user', content: 'Hello' }] },
  })
  const text = await answer.text()
  return {
    answer,
    text,
    took: performance.now() - begun,
    error: (JSON.parse(text) as { error: { code: string; params: object } }).error,
  }
}

it.each([
  ['missing', 'upstream_unreachable', { reason: 'dns' }],
  ['servfail', 'upstream_unreachable', { reason: 'dns' }],
  ['silent', 'upstream_timeout', { phase: 'connect' }],
  ['closed', 'upstream_unreachable', { reason: 'refused' }],
  ['hole', 'upstream_timeout', { phase: 'connect' }],
  ['expired', 'upstream_unreachable', { reason: 'tls' }],
  ['stranger', 'upstream_unreachable', { reason: 'tls' }],
])(
  '%s: %s %j, whole and as a stream, and nobody else is asked',
  async (provider, code, params) => {
    const asked = await Promise.all([ask(provider, false), ask(provider, true)])
    for (const { answer, text, took, error } of asked) {
      expect(error, text).toMatchObject({ code, params })
      expect([502, 504]).toContain(answer.status)
      expect(took).toBeLessThan(5_000)
      expect(text.replaceAll(gateway.url, '') + JSON.stringify([...answer.headers])).not.toMatch(
        /planted|127\.0\.0\.1|\.test\b|CERT_|ENOTFOUND|getaddrinfo/,
      )
    }
  },
  60_000,
)

it('no key stands in the log or in the database', async () => {
  await until('the rows are written', async () => /stranger\/m/.test(await dumpDatabase(database.url)))
  expect(gateway.output()).not.toContain('planted')
  expect(await dumpDatabase(database.url)).not.toContain('planted')
})
