import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createEntryStore } from '../features/ledger/entries.store.ts'
import { toRow } from '../features/ledger/row.ts'
import { sampleIntent, sampleSettlement } from '../features/ledger/test/samples.ts'
import { openDatabase } from '../kernel/db.ts'
import { noFaults } from '../kernel/fault-points.ts'
import { silentLog } from '../kernel/log.ts'

const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
let home: TestDatabase
let folder: string

// A call uses 10 tokens of input and 20 of output, and costs 0.5 USD.
const call = (at: string, id: string, model = 'openai/gpt-4o-mini', estimated = false) =>
  toRow(
    sampleIntent({ at: Date.parse(at), requestId: id, target: model }),
    [],
    sampleSettlement({ target: model, estimated }),
  )
const refused = (at: string, id: string) =>
  toRow(
    sampleIntent({ at: Date.parse(at), requestId: id }),
    [],
    sampleSettlement({
      target: 'openai/gpt-4o-mini',
      outcome: 'failed',
      cost: 0n,
      usage: { ...sampleSettlement().usage, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 },
    }),
  )

beforeAll(async () => {
  home = await freshDatabase()
  folder = await mkdtemp(join(tmpdir(), 'headgate-reconcile-'))
  const database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 1 })
  await createEntryStore(database, noFaults).write([
    call('2026-03-01T00:00:00Z', 'one'),
    call('2026-03-01T23:59:59.999Z', 'two', 'openai/gpt-4o-mini', true),
    refused('2026-03-01T12:00:00Z', 'refused'),
    call('2026-03-02T00:00:00Z', 'three'),
    call('2026-03-02T00:10:00Z', 'four', 'anthropic/claude-sonnet-4-5'),
    call('2026-03-03T00:10:00Z', 'five', 'openai/gpt-4o'),
  ])
  await database.close()
}, 120_000)
afterAll(async () => {
  await home.drop()
  await rm(folder, { recursive: true, force: true })
})

interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = async (text: string, ...words: string[]): Promise<Answer> => {
  await writeFile(join(folder, 'export'), text)
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [cli, 'ledger', 'reconcile', 'export', ...words],
      {
        cwd: folder,
        timeout: 60_000,
        env: { PATH: process.env['PATH'], HOME: folder, HEADGATE_DATABASE_URL: home.url },
      },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    )
  })
}
const report = async (text: string, ...words: string[]) => {
  const answer = await run(text, '--json', ...words)
  expect(answer.stderr).toBe('')
  return { code: answer.code, ...(JSON.parse(answer.stdout) as Record<string, unknown>) }
}

test('an OpenAI usage export agrees by day and model: buckets are added, dated snapshots are their family', async () => {
  // 1772323200 is 2026-03-01T00:00:00Z; the day after has a bucket without usage.
  const lines = [
    '\uFEFFstart_time,end_time,num_model_requests,"model",input_tokens,output_tokens,input_cached_tokens',
    '1772323200,1772326800,1,"gpt-4o-mini-2024-07-18",10,20,2',
    '1772406000,1772409600,1,gpt-4o-mini-2024-07-18,10,20,2',
    '1772409600,1772413200,1,gpt-4o-mini-2024-07-18,10,20,2',
    '1772413200,1772416800,,,,,',
  ]
  expect(await report(`${lines.join('\r\n')}\r\n`, '--provider', 'openai')).toMatchObject({
    code: 0,
    ok: true,
    by: 'day and model',
    from: '2026-03-01',
    to: '2026-03-02',
    compared: ['requests', 'input_tokens', 'output_tokens'],
    rows: 2,
    differences: [],
    sums: { ledger: { requests: 3, input_tokens: 30, output_tokens: 60, cost_usd: '1.5' } },
  })
}, 120_000)

test('what is missing, extra and differing is named, with both sums', async () => {
  const text = [
    'date\tmodel\trequests\tcost_usd',
    '2026-03-01\tgpt-4o-mini\t2\t1.25',
    '2026-03-02\tgpt-4o-mini\t1\t0.50',
    '2026-03-02\to3\t4\t3.000000001',
  ].join('\n')
  const found = await report(text, '--provider', 'openai', '--to', '2026-03-03')
  expect(found).toMatchObject({ code: 1, ok: false, rows: 4, missing: 1, extra: 1, differing: 1 })
  expect(found).toMatchObject({
    differences: [
      {
        what: 'differing',
        day: '2026-03-01',
        model: 'gpt-4o-mini',
        ledger: { requests: 2, cost_usd: '1' },
        provider_export: { requests: 2, cost_usd: '1.25' },
        estimated_requests: 1,
      },
      { what: 'missing', day: '2026-03-02', model: 'o3', ledger: null },
      { what: 'extra', day: '2026-03-03', model: 'gpt-4o', provider_export: null },
    ],
    sums: {
      ledger: { requests: 4, cost_usd: '2' },
      provider_export: { requests: 7, cost_usd: '4.750000001' },
    },
  })
  // A fifth of 1.25 is missing: 20 %.
  const within = ['2026-03-01', '--tolerance', '20']
  expect((await run(text, '--provider', 'openai', '--to', ...within)).stdout).toContain('The ledger agrees')
  const beyond = ['2026-03-01', '--tolerance', '19.9']
  const said = await run(text, '--provider', 'openai', '--to', ...beyond)
  expect(said).toMatchObject({ code: 1 })
  expect(said.stdout).toContain('differing\t2026-03-01\tgpt-4o-mini\t2 / 2\t1 / 1.25\t1\n')
}, 120_000)

test('pages of Anthropic’s usage API are read, cached input being part of input', async () => {
  const page = {
    data: [
      {
        starting_at: '2026-03-02T00:00:00Z',
        results: [
          {
            model: 'claude-sonnet-4-5-20250929',
            uncached_input_tokens: 4,
            cache_read_input_tokens: 2,
            cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 1 },
            output_tokens: 20,
          },
        ],
      },
    ],
  }
  expect(await report(JSON.stringify(page), '--provider', 'anthropic')).toMatchObject({ code: 0, rows: 1, extra: 0 })
}, 120_000)

test('rows with a request id are matched by it, and one on the other side of midnight is no difference', async () => {
  const row = (id: string, at: string, output: number) =>
    JSON.stringify({ trace: id, at, prompt_tokens: 10, completion_tokens: output })
  const text = [
    row('one', '2026-03-01T00:00:00Z', 20),
    row('two', '2026-03-02T00:00:03Z', 21),
    row('gone', '2026-03-02T01:00:00Z', 5),
  ].join('\n')
  const columns = ['--request-id-column', 'trace', '--time-column', 'at']
  const found = await report(text, '--provider', 'openai', '--from', '2026-03-01', ...columns)
  expect(found).toMatchObject({ code: 1, by: 'request', rows: 4, missing: 1, extra: 1, differing: 1 })
  expect(found).toMatchObject({
    differences: [
      { what: 'extra', request_id: 'three' },
      { what: 'differing', request_id: 'two', ledger: { output_tokens: 20 }, provider_export: { output_tokens: 21 } },
      { what: 'missing', request_id: 'gone' },
    ],
  })
  const second = await report(row('two', '2026-03-02T00:00:03Z', 20), '--provider', 'openai', ...columns)
  expect(second).toMatchObject({ missing: 0, differing: 0, extra: 1 })
}, 120_000)

test('a file that cannot be read says where and why', async () => {
  const openai = ['--provider', 'openai']
  const faults: [text: string, words: string[], said: string, code: number][] = [
    ['date,model,requests\n2026-03-01,a,1.5\n', openai, 'Row 1 of the export: requests is no count', 1],
    ['date,model,requests\nyesterday,a,1\n', openai, 'yesterday is no time', 1],
    ['{"date":"2026-03-01"}\n{nothing\n', openai, 'Row 2 of the export: is no JSON object', 1],
    ['date,model,n\n2026-03-01,a,1\n', openai, 'No column of the export is known as a figure', 1],
    ['date,model,n\n2026-03-01,a,1\n', [...openai, '--requests-column', 'm'], 'has no column m', 1],
    ['date,model,requests\n2026-03-01,a,1\n', [...openai, '--from', 'March'], '--from is no day', 1],
    ['date,model,requests\n2026-03-01,a,1\n', [], "required option '--provider <name>' not specified", 2],
  ]
  for (const [text, words, said, code] of faults) {
    const answer = await run(text, ...words)
    expect(answer, said).toMatchObject({ code, stdout: '' })
    expect(answer.stderr).toContain(said)
  }
}, 180_000)
