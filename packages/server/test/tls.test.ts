import { request as ask } from 'node:https'
import { connect, type ConnectionOptions, type PeerCertificate } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificate } from './support/certificate.ts'
import { adminKey, type House, startHouse } from './support/house.ts'

type Pair = Awaited<ReturnType<typeof makeCertificate>>
let first: Pair
let second: Pair
let house: House
let port: number

beforeAll(async () => {
  first = await makeCertificate('first')
  second = await makeCertificate('second')
  const files = { 'headgate.yaml': 'tls: {cert: cert.pem, key: key.pem}', 'cert.pem': first.cert, 'key.pem': first.key }
  house = await startHouse({ files })
  port = Number(new URL(house.url).port)
})
afterAll(() => house.stop())

/** Connects, and gives the protocol and the certificate shown. */
const greet = (options: ConnectionOptions = {}): Promise<{ protocol: string | null; certificate: PeerCertificate }> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: [first.cert, second.cert], ...options }, () => {
      resolve({ protocol: socket.getProtocol(), certificate: socket.getPeerCertificate() })
      socket.destroy()
    })
    socket.on('error', reject)
  })

interface Told {
  readonly status: number
  readonly text: Promise<string>
}
/** Calls over TLS; the answer is given with its headers, its text when it has ended. */
const call = (path: string, key: string, body?: object): Promise<Told> =>
  new Promise((resolve, reject) => {
    const outgoing = ask(
      {
        port,
        path,
        method: 'POST',
        ca: [first.cert, second.cert],
        host: '127.0.0.1',
        agent: false,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      },
      (answer) => {
        const text = (async () => {
          let said = ''
          for await (const part of answer.setEncoding('utf8')) said += String(part)
          return said
        })()
        resolve({ status: answer.statusCode ?? 0, text })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body && JSON.stringify(body))
  })

it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
  expect((await greet()).protocol).toBe('TLSv1.3')
  expect((await greet({ maxVersion: 'TLSv1.2' })).protocol).toBe('TLSv1.2')
  await expect(greet({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow(
    /version|alert|reset/i,
  )
})

it('shows another certificate after a reload, while a stream goes on under the former one', async () => {
  const made = await call('/admin/v1/keys', adminKey, { name: 'tls', tier: 'internal' })
  const { key } = JSON.parse(await made.text) as { key: string }
  const model = 'up/gpt-4o-mini;parts=20;part-delay=50'
  const stream = await call('/v1/chat/completions', key, {
    model,
    stream: true,
    messages: [{ role: 'user', content: 'Hello' }],
  })
  expect((await greet()).certificate.subject.CN).toBe('first')
  await house.write('cert.pem', second.cert)
  const refused = await call('/admin/v1/config/reload', adminKey)
  expect([refused.status, await refused.text]).toEqual([
    422,
    expect.stringContaining('tls.key: does not belong to the certificate'),
  ])
  expect((await greet()).certificate.subject.CN).toBe('first')
  await house.write('key.pem', second.key)
  const reloaded = await call('/admin/v1/config/reload', adminKey)
  expect(JSON.parse(await reloaded.text)).toMatchObject({ changed: ['tls'] })
  expect((await greet()).certificate.subject.CN).toBe('second')
  expect(await stream.text).toContain('[DONE]')
})
