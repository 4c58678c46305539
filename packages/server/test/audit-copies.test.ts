import { createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isConsistent } from '../src/features/audit/merkle.ts'
import { isSignedBy, openCheckpoint, printKey, readKey, readNote } from '../src/features/audit/note.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { type House, startHouse } from './support/house.ts'
import { type Receiver, startReceiver } from './support/receivers.ts'

const witnessName = 'witness.example/w1'
const cosignatureKind = 0x04

/** A witness as c2sp.org/tlog-witness has it: it remembers the last checkpoint, and signs what goes on from there. */
const startWitness = async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  const key = { name: witnessName, kind: cosignatureKind, key: raw }
  const seen = { size: 0, root: Buffer.alloc(0) }
  const log: { trusted: string; requests: string[] } = { trusted: '', requests: [] }
  const cosign = (text: string, secret: KeyObject): string => {
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(1_800_000_000n)
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime 1800000000\n${text}`), secret)
    const id = createHash('sha256')
      .update(`${witnessName}\n`)
      .update(Buffer.from([cosignatureKind]))
      .update(raw)
      .digest()
    return `— ${witnessName} ${Buffer.concat([id.subarray(0, 4), time, signature]).toString('base64')}\n`
  }
  const answer = (body: string): readonly [status: number, text: string, type?: string] => {
    log.requests.push(body)
    const cut = body.indexOf('\n\n')
    const [old = '', ...proof] = body.slice(0, cut).split('\n')
    const note = body.slice(cut + 2)
    const trusted = readKey(log.trusted)
    const checkpoint = trusted && openCheckpoint(note, [trusted])
    if (!checkpoint) return [403, '']
    if (old !== `old ${seen.size}`) return [409, `${seen.size}\n`, 'text/x.tlog.size']
    const claim = { former: seen.size, size: checkpoint.size, formerRoot: seen.root, root: checkpoint.root }
    const hashes = proof.map((hash) => Buffer.from(hash, 'base64'))
    if (!isConsistent(claim, hashes)) return [422, '']
    Object.assign(seen, { size: checkpoint.size, root: checkpoint.root })
    return [200, cosign(readNote(note)?.text ?? '', privateKey)]
  }
  const server: Server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const [status, text, type = 'text/plain'] = request.url === '/w/add-checkpoint' ? answer(body) : [404, '']
      response.writeHead(status, { 'content-type': type }).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => new Promise((resolve) => server.close(resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/w`, key, log, close }
}

let home: TestDatabase
let witness: Awaited<ReturnType<typeof startWitness>>
let receiver: Receiver
const houses: House[] = []
const signingKey = 'a-key-of-the-webhook'

beforeAll(async () => {
  home = await freshDatabase()
  witness = await startWitness()
  receiver = await startReceiver()
  const audit = { webhooks: ['vault'], witnesses: { w1: { url: witness.url, key: printKey(witness.key) } } }
  const receivers = { vault: { kind: 'webhook', url: `${receiver.url}/copies`, signing_key: signingKey } }
  const environment = {
    HEADGATE_RECEIVERS: JSON.stringify(receivers),
    HEADGATE_AUDIT_WEBHOOKS: audit.webhooks.join(','),
    HEADGATE_AUDIT_WITNESSES: JSON.stringify(audit.witnesses),
    HEADGATE_AUDIT_CHECKPOINT_ENTRIES: '100',
    HEADGATE_ROOT_KEY: 'the-root-key-that-three-replicas-share',
  }
  for (let replica = 0; replica < 3; replica += 1) houses.push(await startHouse({ databaseUrl: home.url, environment }))
})
afterAll(async () => {
  for (const house of houses) await house.stop()
  await receiver.close()
  await witness.close()
  await home.drop()
})

const first = (): House => houses[0] as House
const json = async <T>(path: string, body?: object): Promise<T> => {
  const answer = await first().request(path, { ...(body && { body }) })
  expect(answer.status, await answer.clone().text()).toBeLessThan(300)
  return (await answer.json()) as T
}
interface Checkpoint {
  readonly size: string
  readonly note: string
}

it('copies go to the webhook, signed, and to the witness, whose word stands in the note', async () => {
  witness.log.trusted = (await json<{ data: { key: string }[] }>('/admin/v1/audit/keys')).data[0]?.key as string
  const one = await json<Checkpoint>('/admin/v1/audit/checkpoints', {})
  await json('/admin/v1/projects', { name: 'one more' })
  const two = await json<Checkpoint>('/admin/v1/audit/checkpoints', {})
  expect(Number(two.size)).toBe(Number(one.size) + 1)

  for (const { note } of [one, two]) {
    const { text = '', signatures = [] } = readNote(note) ?? {}
    expect(signatures.map((signature) => isSignedBy(witness.key, text, signature))).toEqual([false, true])
  }
  const delivered = receiver.deliveries.filter(({ path }) => path === '/copies')
  expect(delivered.map(({ body }) => (body as { size: number }).size)).toEqual([Number(one.size), Number(two.size)])
  for (const { headers, body } of delivered) {
    const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-headgate-signature'])) ?? []
    const text = `${time}.${JSON.stringify(body)}`
    expect(signature).toBe(createHmac('sha256', signingKey).update(text).digest('hex'))
  }
  expect(witness.log.requests.map((body) => body.split('\n')[0])).toEqual(['old 0', `old ${one.size}`])
})

it('50 writers on each of 3 replicas make one chain without a gap, which is signed by itself', async () => {
  const before = Number((await json<{ data: { seq: string }[] }>('/admin/v1/audit?limit=1')).data[0]?.seq)
  const write = async (house: House, name: string): Promise<number> => {
    const { status } = await house.request('/admin/v1/projects', { body: { name } })
    // A busy machine has no connection within two seconds: nothing was done, and who asks again gets through.
    return status === 503 ? write(house, name) : status
  }
  const statuses = await Promise.all(
    houses.flatMap((house, replica) =>
      Array.from({ length: 50 }, (_, writer) => write(house, `writer ${writer} of ${replica}`)),
    ),
  )
  expect(new Set(statuses)).toEqual(new Set([201]))

  const lines = (await (await first().request('/admin/v1/audit/export')).text()).trimEnd().split('\n')
  const entries = lines.map((line) => JSON.parse(line) as { seq: string; prev_hash: string; after: { name: string } })
  expect(entries.map(({ seq }) => Number(seq))).toEqual(lines.map((_, index) => index + 1))
  const hashes = lines.map((line) => createHash('sha256').update(`\0${line}`).digest('hex'))
  expect(entries.map(({ prev_hash }) => prev_hash)).toEqual(['0'.repeat(64), ...hashes.slice(0, -1)])
  expect(new Set(entries.slice(before, before + 150).map(({ after }) => after.name)).size).toBe(150)

  // More than a hundred wait: nobody has to ask for the checkpoint.
  await expect
    .poll(async () => Number((await json<{ data: Checkpoint[] }>('/admin/v1/audit/checkpoints')).data[0]?.size), {
      timeout: 20_000,
    })
    .toBeGreaterThanOrEqual(before + 100)
}, 60_000)

it('a witness that has seen more than there is, and a receiver that is away, are told of', async () => {
  witness.log.trusted = printKey({ ...witness.key, kind: 0x01 })
  receiver.answer = 500
  await json('/admin/v1/projects', { name: 'nobody takes it' })
  const made = await json<Checkpoint>('/admin/v1/audit/checkpoints', {})
  expect(readNote(made.note)?.signatures).toHaveLength(1)
  receiver.answer = 200
  const former = receiver.deliveries.length
  await json('/admin/v1/audit/checkpoints', {})
  expect(receiver.deliveries.length).toBeGreaterThan(former)
})
