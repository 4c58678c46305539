import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import OpenAI, { type APIError, toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startGateway } from './faults/support/gateway-process.ts'
import { dumpDatabase, ledgerRows, queryDatabase } from './faults/support/ledger-rows.ts'
import { strongSecrets } from './support/configuration.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { type House, startHouse } from './support/house.ts'

const patience = { timeout: 60_000, interval: 50 }
const secret = 'lantern-in-the-file'
const shared = {
  HEADGATE_ROOT_KEY: strongSecrets[0] as string,
  HEADGATE_FILES_MAX_BYTES: '1000000',
  HEADGATE_FILES_KEY_BYTES: '2000000',
}

let database: TestDatabase
let upstream: Upstream
let house: House
let client: OpenAI

const paid = 'up/gpt-4o-mini;parts=100'
const replica = () => ({
  databaseUrl: database.url,
  upstream,
  environment: shared,
  config: { models: { [paid]: { price: { input: '1', output: '2' }, max_output_tokens: 100 } } },
})

const clientOf = (key: string, url = house.url): OpenAI =>
  new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 })
const newClient = async (fields: object = {}): Promise<OpenAI> => clientOf((await house.makeKey({ ...fields })).key)

beforeAll(async () => {
  database = await freshDatabase()
  upstream = await startUpstream()
  house = await startHouse(replica())
  await house.request('/admin/v1/projects', { body: { id: 'other', name: 'other' } })
  client = await newClient()
}, 60_000)
afterAll(async () => {
  await house.stop()
  await upstream.close()
  await database.drop()
})

const lineOf = (customId: string, model = 'up/gpt-4o-mini', more: object = {}) =>
  JSON.stringify({
    custom_id: customId,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model, messages: [{ role: 'user', content: `Line <${customId}>` }], ...more },
  })
const upload = async (lines: readonly string[], by = client) =>
  by.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'input.jsonl'), purpose: 'batch' })
const begin = async (lines: readonly string[], window = '24h', by = client) =>
  by.batches.create({
    input_file_id: (await upload(lines, by)).id,
    endpoint: '/v1/chat/completions',
    completion_window: window as '24h',
    metadata: { purpose: secret },
  })
const ended = (id: string, status: string, by = client) =>
  vi.waitFor(async () => {
    const batch = await by.batches.retrieve(id)
    expect(batch.status).toBe(status)
    return batch
  }, patience)
interface OutputLine {
  readonly custom_id: string
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: object } | null
  readonly error: { readonly code: string } | null
}
const linesOf = async (id: string | null | undefined, by = client): Promise<OutputLine[]> =>
  id
    ? (await (await by.files.content(id)).text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as OutputLine)
    : []
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'none',
    (fault: unknown) => (fault as APIError).code,
  )
const callsOf = (customId: string): number =>
  upstream.requests().filter(({ body }) => body?.includes(`<${customId}>`)).length
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

describe('files', () => {
  it('are kept, listed, read and erased by the official client, sealed and for one project alone', async () => {
    const bytes = Buffer.from(`${secret}\n`.repeat(20_000)).subarray(0, 300_001)
    const made = await client.files.create({
      file: await toFile(bytes, `${secret}.txt`),
      purpose: 'user_data',
      expires_after: { anchor: 'created_at', seconds: 3_600 },
    })
    expect(made).toMatchObject({ object: 'file', bytes: 300_001, filename: `${secret}.txt`, purpose: 'user_data' })
    expect((made.expires_at as number) - made.created_at).toBe(3_600)
    expect(await client.files.retrieve(made.id)).toEqual(made)
    expect(Buffer.from(await (await client.files.content(made.id)).arrayBuffer()).equals(bytes)).toBe(true)
    expect(await dumpDatabase(database.url)).not.toContain(secret)

    const stranger = await newClient({ project: 'other' })
    const absent = 'file_01ARZ3NDEKTSV4RRFFQ69G5FAV'
    for (const ask of [
      (id: string) => stranger.files.retrieve(id),
      (id: string) => stranger.files.content(id),
      (id: string) => stranger.files.delete(id),
      (id: string) =>
        stranger.batches.create({ input_file_id: id, endpoint: '/v1/embeddings', completion_window: '24h' }),
    ]) {
      const faults = await Promise.all([made.id, absent].map((id) => ask(id).catch((fault: APIError) => fault)))
      const [theirs, none] = faults.map((fault) => ({
        ...(fault as APIError & { error: object }).error,
        request_id: '',
      }))
      expect(theirs).toEqual(none)
      expect(theirs).toMatchObject({ code: 'file_not_found' })
    }
    expect((await stranger.files.list()).data).toEqual([])

    const more = await Promise.all(named('page', 3).map((name) => upload([name])))
    const listed: string[] = []
    for await (const { id } of client.files.list({ limit: 2, order: 'asc' })) listed.push(id)
    expect(listed).toEqual([made.id, ...more.map(({ id }) => id).sort()])
    expect((await client.files.list({ purpose: 'user_data' })).data.map(({ id }) => id)).toEqual([made.id])

    expect(await client.files.delete(made.id)).toEqual({ id: made.id, object: 'file', deleted: true })
    expect(await codeOf(client.files.content(made.id))).toBe('file_not_found')
    const rest = await queryDatabase(database.url, `SELECT 1 FROM headgate.file_pieces WHERE file_id = '${made.id}'`)
    expect(rest).toEqual([])
    await queryDatabase(database.url, `UPDATE headgate.files SET expires_at = now() WHERE file_id = '${more[0]?.id}'`)
    expect(await codeOf(client.files.retrieve(more[0]?.id as string))).toBe('file_not_found')
  })

  it('are refused where they are too large, too many, or no form', async () => {
    const own = await newClient()
    const of = async (size: number) =>
      own.files.create({ file: await toFile(Buffer.alloc(size, 97), 'a'), purpose: 'vision' })
    expect(await codeOf(of(1_000_001))).toBe('request_too_large')
    await of(1_000_000)
    await of(900_000)
    expect(await codeOf(of(100_001))).toBe('file_quota_exceeded')
    expect(await codeOf(of(0))).toBe('invalid_parameter')
    const wrong = own.files.create({ file: await toFile(Buffer.from('a'), 'a'), purpose: 'poems' as 'vision' })
    expect(await codeOf(wrong)).toBe('invalid_parameter')
    // The announced length is enough: none of the body is sent.
    const answer = await fetch(`${house.url}/v1/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${own.apiKey}`, 'content-type': 'application/json' },
      body: '{}',
    })
    expect(answer.status).toBe(415)
  })
})

describe('a batch', () => {
  it('call responses and completions too, each answered in its own protocol and kept where it asks for that', async () => {
    const answersOf = async (endpoint: '/v1/responses' | '/v1/completions', bodies: readonly object[]) => {
      const lines = bodies.map((body, index) =>
        JSON.stringify({ custom_id: `${endpoint}-${index}`, method: 'POST', url: endpoint, body }),
      )
      const input_file_id = (await upload(lines)).id
      const { id } = await client.batches.create({ input_file_id, endpoint, completion_window: '24h' })
      const { output_file_id, error_file_id } = await ended(id, 'completed')
      return { answers: await linesOf(output_file_id), faults: await linesOf(error_file_id) }
    }
    const asked = { model: 'demo', input: 'Line of a response' }
    const { answers, faults } = await answersOf('/v1/responses', [asked, { ...asked, background: true }])
    const response = answers[0]?.response?.body as OpenAI.Responses.Response
    expect(response).toMatchObject({ object: 'response', status: 'completed', output: [{ type: 'message' }] })
    expect((await client.responses.retrieve(response.id)).output).toEqual(response.output)
    expect(faults.map(({ response: one }) => one?.body)).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ code: 'invalid_parameter', param: 'background' }) }),
    ])
    const completed = await answersOf('/v1/completions', [{ model: 'demo', prompt: 'Once', echo: true }])
    const choices = [{ text: expect.stringMatching(/^Once./) }]
    expect(completed.answers[0]?.response?.body).toMatchObject({ object: 'text_completion', choices })
  })

  it('answers every line, the good ones in one file and the others in another, each as a call of its own', async () => {
    const ids = named('good', 5)
    const batch = await begin([...ids.map((id) => lineOf(id)), '', lineOf('bad', 'up/gpt-4o-mini;status=400')])
    expect(batch).toMatchObject({ object: 'batch', endpoint: '/v1/chat/completions', metadata: { purpose: secret } })
    const done = await ended(batch.id, 'completed')
    expect(done.request_counts).toEqual({ total: 6, completed: 5, failed: 1 })
    const good = await linesOf(done.output_file_id)
    expect(good.map(({ custom_id }) => custom_id)).toEqual(ids)
    for (const { response, error } of good) {
      expect(error).toBeNull()
      expect(response).toMatchObject({ status_code: 200, body: { object: 'chat.completion' } })
    }
    const [bad] = await linesOf(done.error_file_id)
    expect(bad).toMatchObject({ custom_id: 'bad', response: { status_code: 400, body: { error: {} } }, error: null })
    await house.settled()
    const rows = (await ledgerRows(database.url)).map(({ request_id }) => request_id)
    for (const { response } of [...good, bad as OutputLine])
      expect(rows.filter((id) => id === response?.request_id)).toHaveLength(1)
    expect((await client.batches.list({ limit: 1 })).data[0]).toEqual(done)
    const stranger = await newClient({ project: 'other' })
    expect(await codeOf(stranger.batches.retrieve(batch.id))).toBe('batch_not_found')
    expect(await codeOf(client.batches.cancel(batch.id))).toBe('batch_ended')
    expect(await dumpDatabase(database.url)).not.toContain(secret)
  })

  it('names the lines that cannot be called, and calls none', async () => {
    const batch = await begin([
      lineOf('one'),
      '{"custom_id": ',
      lineOf('one'),
      lineOf('three', 'up/gpt-4o-mini', { stream: true }),
      lineOf('four').replace('chat/completions', 'embeddings'),
    ])
    const { errors } = await ended(batch.id, 'failed')
    expect(errors?.data?.map(({ line, code, param }) => [line, code, param])).toEqual([
      [2, 'invalid_json', null],
      [3, 'duplicate_parameter', null],
      [4, 'invalid_parameter', 'body.stream'],
      [5, 'invalid_parameter', 'url'],
    ])
    expect(callsOf('one')).toBe(0)
  })

  it('is cancelled in the middle: what was called is there, the rest says so', async () => {
    const ids = named('slow', 60)
    const batch = await begin(ids.map((id) => lineOf(id, 'up/gpt-4o-mini;delay=200')))
    expect(await codeOf(client.files.delete(batch.input_file_id))).toBe('file_in_use')
    await vi.waitFor(() => expect(callsOf('slow-3')).toBe(1), patience)
    expect((await client.batches.cancel(batch.id)).status).toBe('cancelling')
    const done = await ended(batch.id, 'cancelled')
    const [good, bad] = [await linesOf(done.output_file_id), await linesOf(done.error_file_id)]
    expect(done.request_counts).toEqual({ total: 60, completed: good.length, failed: bad.length })
    expect([...good, ...bad].map(({ custom_id }) => custom_id).sort()).toEqual([...ids].sort())
    expect(new Set(bad.map(({ error }) => error?.code))).toEqual(new Set(['batch_cancelled']))
    for (const { custom_id } of bad) expect(callsOf(custom_id)).toBe(0)
    for (const { custom_id } of good) expect(callsOf(custom_id)).toBe(1)
  })

  it('ends with its window, and with a budget that is used up: every line is accounted for', async () => {
    const window = named('late', 40)
    const late = await begin(
      window.map((id) => lineOf(id, 'up/gpt-4o-mini;delay=500')),
      '1s',
    )
    const budgeted = await newClient({ budget: { limit_usd: '0.001', window: 'total' } })
    const ids = named('dear', 12)
    const lines = ids.map((id) => lineOf(id, paid, { max_tokens: 100 }))
    const dear = await begin(lines, '24h', budgeted)
    const spent = await ended(dear.id, 'completed', budgeted)
    const [good, bad] = [await linesOf(spent.output_file_id, budgeted), await linesOf(spent.error_file_id, budgeted)]
    expect([...good, ...bad].map(({ custom_id }) => custom_id).sort()).toEqual([...ids].sort())
    expect(good.length).toBeGreaterThan(0)
    expect(bad.length).toBeGreaterThan(0)
    for (const { response } of bad) expect(response?.body).toMatchObject({ error: { code: 'budget_exceeded' } })
    const over = await ended(late.id, 'expired')
    const told = [...(await linesOf(over.output_file_id)), ...(await linesOf(over.error_file_id))]
    expect(told.map(({ custom_id }) => custom_id).sort()).toEqual([...window].sort())
    expect(told.filter(({ error }) => error?.code === 'batch_expired').length).toBeGreaterThan(0)
  })

  it('goes on at another replica when its own is killed, and calls no line twice', async () => {
    const environment = { ...shared, HEADGATE_BATCHES_RUNNING: '4' }
    const gateway = await startGateway({ databaseUrl: database.url, upstreamUrl: upstream.url, environment })
    const ids = named('kill', 40)
    try {
      const batch = await begin(ids.map((id) => lineOf(id, 'up/gpt-4o-mini;delay=150')))
      const holderOf = async () => {
        const [row] = await queryDatabase<{ held_by: string; status: string }>(
          database.url,
          `SELECT held_by, status FROM headgate.batches WHERE batch_id = '${batch.id}'`,
        )
        return row?.status === 'in_progress' ? row.held_by : null
      }
      // The replica that it was sent to takes it first; its lease is given to nobody, so that the other one takes it up.
      await vi.waitFor(async () => expect(await holderOf()).not.toBeNull(), patience)
      const first = await holderOf()
      await house.stop()
      await vi.waitFor(async () => expect([null, first]).not.toContain(await holderOf()), patience)
      await vi.waitFor(() => expect(ids.filter((id) => callsOf(id) > 0).length).toBeGreaterThan(12), patience)
      await gateway.kill()
      // As if the time of the lease had passed.
      await queryDatabase(database.url, `UPDATE headgate.batches SET held_until = now() WHERE status = 'in_progress'`)
      house = await startHouse(replica())
      const by = clientOf(String(client.apiKey))
      const done = await ended(batch.id, 'completed', by)
      const [good, bad] = [await linesOf(done.output_file_id, by), await linesOf(done.error_file_id, by)]
      expect([...good, ...bad].map(({ custom_id }) => custom_id).sort()).toEqual([...ids].sort())
      for (const id of ids) expect(callsOf(id), id).toBeLessThanOrEqual(1)
      for (const { custom_id } of good) expect(callsOf(custom_id)).toBe(1)
      // Those that were under way when the process was killed.
      expect(bad.length).toBeLessThanOrEqual(16)
      expect(done.request_counts).toEqual({ total: 40, completed: good.length, failed: bad.length })
    } finally {
      await gateway.kill()
    }
  })
})
