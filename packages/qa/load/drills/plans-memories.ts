import { pause } from '../pace.ts'

/** Asks a path of the house: `GET`, or `POST` where there is a body; a text is sent as it is. */
export type Ask = (path: string, body?: unknown) => Promise<Response>

/** A page: its path, and the body of what is no `GET`. */
export interface Page {
  readonly path: string
  readonly body?: unknown
  /** Its own p95, of what is more than a page. */
  readonly mostMs?: number
}

/** Tells what memories mean: the scripted upstream’s, 1,536 numbers each. */
export const MEMORY_MODEL = 'up/text-embedding-3-small'
const OWN = 2_000
/** Sources of which each said a few. */
const SOURCES = 200
/** A model is called, and each of one’s vectors compared: three million numbers. */
const SEARCH_MS = 200
/** Five hundred are opened. */
const ABOUT_MS = 100
const MOST_WAITS = 600
const WAIT_MS = 200

const textOf = (number: number) => `Likes the common word${number % 500} of sea ${number}`

/** Somebody about whom much is remembered, each memory with its vector. */
export const settleMemories = async (ask: Ask): Promise<void> => {
  const lines = Array.from({ length: OWN }, (_, number) => ({
    ...{
      text: textOf(number),
      kind: number % 3 === 0 ? 'preference' : 'fact',
      scope: number % 4 === 0 ? 'work' : 'general',
    },
    ...{ confidence: 0.5, sources: [{ type: 'session', id: `source-${number % SOURCES}` }] },
    ...(number % 5 === 0 && { confirmed_at: 1_600_000_000 }),
  }))
  const made = await ask('/v1/memories/import', lines.map((line) => JSON.stringify(line)).join('\n'))
  if (made.status !== 200) throw new Error(`no memories: ${await made.text()}`)
  for (let waits = 0; waits < MOST_WAITS; waits += 1) {
    const found = await ask('/v1/memories/search', { query: 'sea' })
    const { mode, notice } = (await found.json()) as { mode?: string; notice?: string | null }
    if (mode === 'hybrid' && notice === null) return
    await pause(WAIT_MS)
  }
  throw new Error('memories were not turned into vectors')
}

/** Pages of what is remembered about oneself, by what they are called; what is taken back is another source in each round. */
export const memoryPages = async (ask: Ask) => {
  const [list, proposals] = (await Promise.all(
    ['/v1/memories', '/v1/memories/proposals'].map(async (path) => (await ask(path)).json()),
  )) as { data: object[]; next_cursor: string | null }[]
  // Of no source that a round takes back.
  const made = await ask('/v1/memories', { text: 'Keeps the lantern of a lighthouse' })
  const { id } = (await made.json()) as { id?: string }
  if (id === undefined) throw new Error(`no memory: ${made.status}`)
  return (round: number): Readonly<Record<string, Page>> => ({
    memories: { path: '/v1/memories' },
    'memories, next page': { path: `/v1/memories?cursor=${list?.next_cursor}` },
    'memories of a scope and kind': { path: '/v1/memories?scope=work&kind=preference' },
    'memories that are stale': { path: '/v1/memories?stale=true' },
    'a memory': { path: `/v1/memories/${id}` },
    proposals: { path: `/v1/memories/proposals?limit=${20 + (proposals?.data.length ?? 0)}` },
    'what is known about me': { path: '/v1/memories/about', mostMs: ABOUT_MS },
    'memories by meaning and a rare word': {
      path: '/v1/memories/search',
      body: { query: 'word77' },
      mostMs: SEARCH_MS,
    },
    'memories by meaning and a common word': {
      path: '/v1/memories/search',
      body: { query: 'common', limit: 50 },
      mostMs: SEARCH_MS,
    },
    'a memory that is known': { path: '/v1/memories', body: { text: textOf(1_999 - round) } },
    'a source taken back': {
      path: '/v1/memories/revoke',
      body: { source: { type: 'session', id: `source-${round}` } },
    },
  })
}
