import type { MemoryMatches } from '@headgate/contract/memory-search.ts'
import type { MemoryView } from '@headgate/contract/memories.ts'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { createComparer } from '../../src/features/memories/memory-comparer.ts'
import { cosine, pack, unit } from '../../src/features/memories/memory-vector.ts'
import { lookForEngines } from '../../src/features/providers/local/local.ts'
import { createSessionsClient, type SessionsClient } from '../conversations/support/sessions-client.ts'
import { queryDatabase } from '../faults/support/ledger-rows.ts'
import { freshDatabase, type TestDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'

let database: TestDatabase
let house: House
let client: SessionsClient
let key: string
let hasWeights = false

beforeAll(async () => {
  hasWeights = (await lookForEngines('')).some(({ model, found }) => model === 'embeddings-en' && found)
  database = await freshDatabase()
  house = await startHouse({ databaseUrl: database.url, environment: { HEADGATE_LOCAL_ENGINES: 'true' } })
  key = (await house.makeKey()).key
  client = createSessionsClient(house.url, key)
}, 60_000)
afterAll(async () => {
  await house.stop()
  await database.drop()
})
const need = ({ skip }: TestContext): void => {
  if (!hasWeights) skip('this machine has no embeddings-en')
}

type Made = MemoryView & { readonly was_merged: boolean }
const remember = (user: string, text: string, more: object = {}) =>
  client.told<Made>('/memories', { body: { text, ...more }, user })
const search = (user: string, query: string, more: object = {}) =>
  client.told<MemoryMatches>('/memories/search', { body: { query, ...more }, user })
const textsOf = ({ data }: MemoryMatches) => data.map(({ memory }) => memory.text)
const embed = async (input: readonly string[]): Promise<Float32Array[]> => {
  const body = { model: 'local/embeddings-en', input }
  const { data } = await client.told<{ data: { embedding: number[] }[] }>('/embeddings', { body })
  return data.map(({ embedding }) => unit(embedding) as Float32Array)
}

const statements = [
  'Prefers tea to coffee.',
  'Has two daughters who go to primary school.',
  'Works as a nurse in a children’s hospital.',
  'Is allergic to peanuts.',
  'Wants to run a marathon next spring.',
  'Drives an old red van.',
  'Moved from Lisbon to Oslo in 2021.',
  'Plays the cello in an amateur orchestra.',
]
const questions: readonly (readonly [query: string, expected: string])[] = [
  ['What should I pour them in the morning?', statements[0] as string],
  ['How many children are there?', statements[1] as string],
  ['What is their job?', statements[2] as string],
  ['Which food must be avoided?', statements[3] as string],
  ['Which musical instrument do they know?', statements[7] as string],
]

describe('a search', () => {
  it('finds what was meant, and tells why', async (context) => {
    need(context)
    const user = 'ada'
    for (const text of statements) await remember(user, text)
    await remember('bob', 'Likes tea in the morning more than anything.')
    let right = 0
    for (const [query, expected] of questions) if (textsOf(await search(user, query))[0] === expected) right += 1
    expect(right).toBeGreaterThanOrEqual(4)
    const found = await search(user, 'tea or coffee?', { limit: 3 })
    expect(found).toMatchObject({ mode: 'hybrid', model: 'local/embeddings-en', notice: null })
    expect(found.data).toHaveLength(3)
    expect(textsOf(found)[0]).toBe(statements[0])
    for (const { score, scores } of found.data) {
      const { weights } = found
      const sum = Object.entries(weights).reduce(
        (total, [part, weight]) => total + weight * (scores[part as 'text'] ?? 0),
        0,
      )
      expect(score).toBeCloseTo(sum, 3)
    }
    expect(found.data[0]?.scores.text).toBeGreaterThan(found.data[1]?.scores.text as number)
    expect((await search(user, 'tea', { min_score: 0.99 })).data).toEqual([])
    // In the order of exact cosines, where words say nothing.
    const query = 'hobby'
    const [asked, ...vectors] = (await embed([query, ...statements])) as [Float32Array, ...Float32Array[]]
    const exact = statements
      .map((text, index) => ({
        text,
        near: asked.reduce((sum, value, at) => sum + value * (vectors[index]?.[at] as number), 0),
      }))
      .toSorted((one, other) => other.near - one.near)
    expect(textsOf(await search(user, query, { limit: 3 }))).toEqual(exact.slice(0, 3).map(({ text }) => text))
  }, 60_000)

  it('finds a memory by what it says now, and what came in without vectors', async (context) => {
    need(context)
    const user = 'cem'
    const made = await remember(user, 'Keeps bees.')
    await client.told(`/memories/${made.id}`, { method: 'PATCH', body: { text: 'Collects stamps.' }, user })
    const lines = ['Speaks Norwegian.', 'Owns a sailing boat.'].map((text) => JSON.stringify({ text })).join('\n')
    await client.told('/memories/import', { raw: lines, user })
    const found = await search(user, 'philately')
    expect(textsOf(found)[0]).toBe('Collects stamps.')
    expect(found.notice).toBeNull()
    expect(found.data.every(({ scores }) => scores.vector !== null)).toBe(true)
    await client.told(`/memories/${made.id}`, { method: 'DELETE', user })
    const left = `SELECT count(*)::int AS many FROM headgate.memory_vectors WHERE subject = 'cem'`
    expect(await queryDatabase(database.url, left)).toEqual([{ many: 2 }])
  }, 60_000)

  it('merges what a model takes for the same, and nothing that says otherwise', async (context) => {
    need(context)
    const user = 'dan'
    const first = await remember(user, 'Goes for a long walk with the dog every morning before work.')
    const again = 'Goes for a long walk with the dog every single morning before work.'
    expect(await remember(user, again)).toMatchObject({ id: first.id, was_merged: true })
    for (const other of [
      'Never goes for a long walk with the dog every morning before work.',
      'Goes for a long walk with the cat every morning before work.',
      'Goes for a long walk with the dog every 2 mornings before work.',
    ])
      expect((await remember(user, other)).was_merged, other).toBe(false)
  }, 60_000)

  it('compares words alone where no model is there, and says so', async () => {
    const other = await startHouse({ upstream: house.upstream })
    try {
      const plain = createSessionsClient(other.url, (await other.makeKey()).key)
      for (const text of statements) await plain.told('/memories', { body: { text, kind: 'fact' }, user: 'ada' })
      const ask = (body: object) => plain.told<MemoryMatches>('/memories/search', { body, user: 'ada' })
      const found = await ask({ query: 'an old van, or a marathon' })
      expect(found).toMatchObject({ mode: 'text', model: null })
      expect(found.notice).toContain('No embedding model')
      expect(textsOf(found).slice(0, 2).toSorted()).toEqual([
        'Drives an old red van.',
        'Wants to run a marathon next spring.',
      ])
      expect(found.data[0]?.scores.vector).toBeNull()
      expect((await ask({ query: '!!!' })).data).toEqual([])
      expect((await ask({ query: 'van', kind: 'goal' })).data).toEqual([])
    } finally {
      await other.stop()
    }
  }, 60_000)
})

it('many vectors are compared beside the event loop, as they would be in place', async () => {
  const comparer = createComparer({ after: () => ({ cancel: () => {} }) })
  const make = (seed: number) => unit(Array.from({ length: 1_536 }, (_, at) => Math.sin(seed * 7_919 + at * seed)))
  const vectors = Array.from({ length: 1_000 }, (_, index) => pack(make(index + 1) as Float32Array))
  const other = pack(unit([1, 2, 3]) as Float32Array)
  const query = make(5) as Float32Array
  const asked = comparer.compare(query, [...vectors.slice(0, 500), other, ...vectors.slice(500)])
  const found = await asked
  await comparer.stop()
  expect(found[500]).toBeNull()
  const near = found.toSpliced(500, 1)
  expect(near[4]).toBeGreaterThan(0.99)
  for (const [index, vector] of vectors.entries()) expect(near[index]).toBeCloseTo(cosine(query, vector) as number, 5)
})

it('what packed vectors find is what exact ones do, in at least 95 of a hundred', async (context) => {
  need(context)
  const who = ['Anna', 'The neighbour', 'A colleague', 'My brother', 'The doctor']
  const does = [
    'bought a bicycle',
    'moved to Oslo',
    'plays chess',
    'fears heights',
    'learned to cook',
    'sold the house',
  ]
  const when = ['last week', 'as a child', 'because of work', 'on Sundays', 'after the war']
  const texts = who.flatMap((one) => does.flatMap((other) => when.map((at) => `${one} ${other} ${at}`)))
  const real = await embed(texts)
  // Between two of them lies a third: as many, and as close to each other, as those of one who told a lot.
  const vectors = [...real]
  for (let index = 0; vectors.length < 3_000; index++) {
    const [one, other] = [real[index % real.length], real[(index * 7 + 13) % real.length]] as [
      Float32Array,
      Float32Array,
    ]
    const share = 0.35 + ((index * 37) % 50) / 100
    vectors.push(unit(one.map((value, at) => share * value + (1 - share) * (other[at] as number))) as Float32Array)
  }
  const packed = vectors.map(pack)
  expect(packed[0]?.bytes.length).toBe(512)
  const top = (near: (index: number) => number, allowed: (index: number) => boolean) =>
    new Set(
      vectors
        .flatMap((_, index) => (allowed(index) ? [{ index, near: near(index) }] : []))
        .toSorted((one, other) => other.near - one.near)
        .slice(0, 10)
        .map(({ index }) => index),
    )
  const queries = await embed([
    'Who has a new bike?',
    'Who is afraid?',
    'board games',
    'a person who lives in Norway',
    'cooking lessons',
  ])
  let hits = 0
  let wanted = 0
  for (const query of [...queries, ...vectors.slice(200, 240)])
    for (const allowed of [() => true, (index: number) => index % 7 === 0]) {
      const dot = (vector: Float32Array) => query.reduce((sum, value, at) => sum + value * (vector[at] as number), 0)
      const exact = top((index) => dot(vectors[index] as Float32Array), allowed)
      const found = top((index) => cosine(query, packed[index] as ReturnType<typeof pack>) as number, allowed)
      wanted += exact.size
      for (const index of found) if (exact.has(index)) hits += 1
    }
  expect(hits / wanted).toBeGreaterThanOrEqual(0.95)
}, 90_000)
