import { startUpstream, type Upstream } from '@headgate/qa/upstream/upstream.ts'
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPostgres, type TestService } from '../support/services.ts'
import { type Answer, ask, askStream, type Door } from './support/ask.ts'
import { callsOf } from './support/calls-of.ts'
import { startGateway, type GatewayProcess } from './support/gateway-process.ts'
import { budgetTruth, ledgerRows } from './support/ledger-rows.ts'
import { pause, until } from './support/load.ts'

const CALLS = 1_100
const WORKERS = 24
const STREAMS = 12

let postgres: TestService
let upstream: Upstream
let gateway: GatewayProcess

beforeAll(async () => {
  upstream = await startUpstream()
  postgres = await startPostgres({ durable: true })
  gateway = await startGateway({ databaseUrl: postgres.url, upstreamUrl: upstream.url })
})
afterAll(async () => {
  await gateway.kill()
  await postgres.stop()
  await upstream.close()
})

const callMany = async (door: Door, count: number): Promise<Answer[]> => {
  const answers: Answer[] = []
  let left = count
  const worker = async () => {
    while (left-- > 0) answers.push(await ask(door, 'up/gpt-4o-mini'))
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
  return answers
}

it('a killed gateway loses and doubles none of a thousand spooled calls, and settles what was open', async () => {
  const door: Door = { url: gateway.url, key: (await gateway.makeKey()).key }
  const fields = { budget: { limit_usd: '50', window: 'total' } }
  const budgeted: Door = { url: gateway.url, key: (await gateway.makeKey(fields)).key }
  for (const one of [door, budgeted]) expect((await ask(one, 'up/gpt-4o-mini')).status).toBe(200)
  await pause(400)

  await postgres.kill()
  const answers = await callMany(door, CALLS)
  expect(answers.filter(({ status }) => status !== 200)).toHaveLength(0)
  const open = Array.from({ length: STREAMS }, (_, index) =>
    askStream(index % 2 === 0 ? door : budgeted, 'up/gpt-4o-mini;parts=300;part-delay=20', { max_tokens: 300 }).catch(
      () => null,
    ),
  )
  await until('the streams flow', () => {
    const flowing = callsOf(upstream).filter(({ outcome, sent_tokens }) => outcome === 'open' && sent_tokens >= 20)
    return flowing.length >= STREAMS / 2
  })
  await gateway.kill()
  const cut = (await Promise.all(open)).filter((answer) => answer?.status === 200) as Answer[]
  expect(cut.length).toBeGreaterThanOrEqual(STREAMS / 2)
  for (const answer of cut) expect(answer).toMatchObject({ done: false, broken: true })

  // One line is damaged, and the last one was cut off in the middle.
  const journal = join(gateway.dataDirectory, 'journal')
  const last = readdirSync(journal)
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .at(-1)
  appendFileSync(join(journal, last as string), '00000000 {"t":"o","id":"req_damaged"}\n1a2b3c4d {"t":"o","id":"req_to')

  await postgres.restart()
  gateway = await startGateway({
    databaseUrl: postgres.url,
    upstreamUrl: upstream.url,
    dataDirectory: gateway.dataDirectory,
  })
  const expected = CALLS + 2 + cut.length
  await until('the journal is drained', async () => (await ledgerRows(postgres.url)).length >= expected, 30_000)
  await pause(500)
  const rows = await ledgerRows(postgres.url)
  const ids = rows.map(({ request_id }) => request_id)
  expect(new Set(ids).size).toBe(ids.length)
  const byId = new Map(rows.map((row) => [row.request_id, row]))
  const truth = callsOf(upstream)
  expect(rows).toHaveLength(truth.length)
  for (const real of truth) {
    const row = byId.get(real.request_id ?? '')
    if (real.outcome === 'complete') {
      expect(row).toMatchObject({ outcome: 'complete', output_tokens: String(real.produced_tokens), estimated: false })
    } else expect(row).toMatchObject({ outcome: 'killed', estimated: true })
  }
  for (const { requestId, parts } of cut) {
    const output = Number(byId.get(requestId)?.output_tokens)
    expect(output).toBeGreaterThanOrEqual(parts)
    expect(output).toBeLessThanOrEqual(upstream.truthOf(requestId)[0]?.produced_tokens ?? 0)
  }
  await until('reserved is back to 0', async () => {
    const windows = await budgetTruth(postgres.url)
    return windows.every(({ leased, spent, entries }) => leased === '0' && spent === entries)
  })
  expect(gateway.output()).toContain('Damaged journal lines were skipped')
  const after = await ask({ url: gateway.url, key: budgeted.key }, 'up/gpt-4o-mini')
  expect(after.status).toBe(200)
})
