import { quantile } from '../../benchmarks/load.ts'
import type { Drill } from '../drill.ts'
import { fillWithOthers } from '../filled.ts'
import type { House } from '../house.ts'
import { pause } from '../pace.ts'
import type { Report } from '../report.ts'
import { type Ask, MEMORY_MODEL, memoryPages, type Page, settleMemories } from './plans-memories.ts'

const PEOPLE = 20_000
const ASSETS = 100_000
const MEMORIES = 200_000
const OTHERS = 50_000
const MOST_MS = 20
const ROUNDS = 100
/** A table of fewer rows may be read whole. */
const LARGE_ROWS = 5_000
/** A server process of PostgreSQL tells its counts after ten seconds of rest at the latest. */
const COUNTED_MS = 12_000
/** What is swept each minute has been swept. */
const SWEPT_MS = 65_000
const SESSIONS = 40
const MESSAGES = 250
const OWN_ASSETS = 150

/** Somebody who has much. */
const settle = async (ask: Ask): Promise<{ session: string; asset: string }> => {
  let session = ''
  for (let number = 0; number < SESSIONS; number += 1) {
    const messages = Array.from({ length: MESSAGES }, (_, at) => ({
      id: `m${at}`,
      parent_id: at === 0 ? null : `m${at - 1}`,
      message: {
        role: at % 2 === 0 ? 'user' : 'assistant',
        content: `A common word${(number * 97 + at) % 500} of the sea`,
      },
    }))
    const head = {
      title: `Rivers ${number % 8}`,
      folder: `Folder ${number % 5}`,
      pinned: number % 10 === 0,
      active_leaf: `m${MESSAGES - 1}`,
    }
    const document = { format: 'headgate.session/1', ...head, messages }
    const made = await ask('/v1/sessions/import', { format: 'json', document })
    if (made.status !== 201) throw new Error(`no import: ${await made.text()}`)
    session = ((await made.json()) as { id: string }).id
  }
  let asset = ''
  for (let number = 0; number < OWN_ASSETS; number += 1) {
    const made = await ask(`/v1/assets?name=file-${number}`, `The content of number ${number}.`)
    if (made.status !== 201) throw new Error(`no asset: ${await made.text()}`)
    asset = ((await made.json()) as { id: string }).id
  }
  return { session, asset }
}

const cursorOf = async (answer: Response): Promise<string> => {
  const { next_cursor: next, last_id: last } = (await answer.json()) as { next_cursor?: string; last_id?: string }
  return next ?? last ?? ''
}

/** Pages of one's own, by what they are called. */
const pagesOf = async (ask: Ask, { session, asset }: { session: string; asset: string }) => {
  const [sessions, messages, assets, sync] = await Promise.all([
    cursorOf(await ask('/v1/sessions')),
    cursorOf(await ask(`/v1/sessions/${session}/messages`)),
    cursorOf(await ask('/v1/assets')),
    cursorOf(await ask('/v1/sync?limit=100')),
  ])
  return {
    sessions: '/v1/sessions',
    'sessions, next page': `/v1/sessions?cursor=${sessions}`,
    'sessions that are pinned': '/v1/sessions?pinned=true',
    'sessions of a folder': '/v1/sessions?folder=Folder%202',
    'sessions by title': '/v1/sessions?title=rivers%203',
    'a session': `/v1/sessions/${session}`,
    folders: '/v1/sessions/folders',
    messages: `/v1/sessions/${session}/messages`,
    'messages, next page': `/v1/sessions/${session}/messages?cursor=${messages}`,
    'messages of all branches': `/v1/sessions/${session}/messages?branches=all`,
    'search, a rare word': '/v1/sessions/search?q=word77',
    'search, a common word': '/v1/sessions/search?q=common',
    'search in a folder': '/v1/sessions/search?q=word77&folder=Folder%202',
    'what is new': '/v1/sync?limit=100',
    'what is new, next page': `/v1/sync?limit=100&since=${sync}`,
    assets: '/v1/assets',
    'assets, next page': `/v1/assets?after=${assets}`,
    'an asset': `/v1/assets/${asset}`,
    'its content': `/v1/assets/${asset}/content`,
    'its versions': `/v1/assets/${asset}/versions`,
    'room for assets': '/v1/assets/limits',
    files: '/v1/files',
    batches: '/v1/batches',
  }
}

/** How often each large table was read from first to last, by everybody but the drill. */
const wholeReads = async ({ postgres }: House): Promise<ReadonlyMap<string, number>> => {
  await pause(COUNTED_MS)
  const rows = await postgres.query<{ name: string; scans: string }>(
    `SELECT s.relname AS name, s.seq_scan::text AS scans FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
      WHERE s.schemaname = 'headgate' AND c.reltuples >= ${LARGE_ROWS} ORDER BY 1`,
  )
  return new Map(rows.map(({ name, scans }) => [name, Number(scans)]))
}
const sinceThen = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string =>
  [...after]
    .flatMap(([name, scans]) =>
      scans > (before.get(name) ?? 0) ? [`${name} ×${scans - (before.get(name) ?? 0)}`] : [],
    )
    .join(', ') || 'none'

const run = async (house: House, report: Report): Promise<void> => {
  const { key } = await house.makeKey()
  const ask: Ask = (path, body) =>
    fetch(house.urlOf(0) + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...{ authorization: `Bearer ${key}`, 'x-headgate-user': 'reader' },
        ...(typeof body === 'object' && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  const own = await settle(ask)
  await settleMemories(ask)
  const startedAt = performance.now()
  report.note(
    'rows of others',
    await fillWithOthers(house.postgres, { people: PEOPLE, assets: ASSETS, memories: MEMORIES, others: OTHERS }),
  )
  report.note('filled in', Math.round((performance.now() - startedAt) / 1_000), 's')
  const read = Object.entries(await pagesOf(ask, own)).map(([name, path]): [string, Page] => [name, { path }])
  const remembered = await memoryPages(ask)
  const pages = (round: number) => [...read, ...Object.entries(remembered(round))]
  const before = await wholeReads(house)
  report.atLeast('large tables', before.size, 10)
  const times = new Map<string, number[]>()
  const failed = new Set<string>()
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, { path, body }] of pages(round)) {
      const askedAt = performance.now()
      const answer = await ask(path, body)
      await answer.arrayBuffer()
      times.set(name, [...(times.get(name) ?? []), performance.now() - askedAt])
      if (answer.status !== 200) failed.add(`${name} ${answer.status}`)
    }
  report.exactly('pages that failed', [...failed].join(', ') || 'none', 'none')
  for (const [name, { mostMs = MOST_MS }] of pages(0))
    report.atMost(`p95 of ${name}`, Math.round(quantile(times.get(name) ?? [], 0.95) * 10) / 10, mostMs, 'ms')
  const asked = await wholeReads(house)
  report.exactly('tables that a page read whole', sinceThen(before, asked), 'none')
  await pause(SWEPT_MS)
  report.exactly('tables that the work of each minute read whole', sinceThen(asked, await wholeReads(house)), 'none')
}

export const plans: Drill = {
  name: 'plans',
  about:
    'pages of one’s own beside a million messages, 100,000 assets and 200,000 memories of others: p95, and no table read whole',
  replicas: 1,
  backends: ['postgres'],
  seconds: 180,
  config: () => ({
    memories: { embedding_model: MEMORY_MODEL },
    models: { [MEMORY_MODEL]: { price: { input: '1', output: '0' } } },
  }),
  run,
}
