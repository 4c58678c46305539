import { expect, it } from 'vitest'
import type { Read } from './db.ts'
import { oncePerRead } from './once-per-read.ts'

it('asks once in each transaction, and again for what was not there', async () => {
  const asked: string[] = []
  const there = new Map([['key/1', 'found']])
  const find = oncePerRead(async (_read: Read, name: string, version: number) => {
    asked.push(`${name}/${version}`)
    return there.get(`${name}/${version}`)
  })
  const [one, two] = [{ query: () => Promise.reject(new Error()) }, { query: () => Promise.reject(new Error()) }]
  for (const read of [one, one, two, one]) expect(await find(read, 'key', 1)).toBe('found')
  expect(asked).toEqual(['key/1', 'key/1'])
  expect(await find(one, 'key', 2)).toBeUndefined()
  there.set('key/2', 'made since')
  expect(await find(one, 'key', 2)).toBe('made since')
})
