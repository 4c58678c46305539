import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../support/house.ts'
import { askStream, type Door } from './support/ask.ts'
import { eventData } from './support/read-events.ts'

let house: House
let door: Door

beforeAll(async () => {
  house = await startHouse({
    environment: { HEADGATE_STREAM_COMMIT_AFTER_MS: '300', HEADGATE_STREAM_KEEP_ALIVE_MS: '150' },
  })
  door = { url: house.url, key: (await house.makeKey()).key }
})
afterAll(() => house.stop())

/** Every block between blank lines is one comment or whole data lines: nothing is torn by a comment. */
const blocksOf = (text: string) => text.split('\n\n').filter((block) => block !== '')
const isComment = (block: string) => block === ': keep-alive'
const isWhole = (block: string) => {
  if (!block.startsWith('data: ')) return false
  if (block === 'data: [DONE]') return true
  JSON.parse(block.slice(6))
  return true
}
const expectWhole = (text: string) => {
  expect(text.endsWith('\n\n')).toBe(true)
  expect(blocksOf(text).filter((block) => !isComment(block) && !isWhole(block))).toEqual([])
}

describe('a silent provider', () => {
  it('gets its caller kept alive before the first part', async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;delay=1200')
    expect(answer).toMatchObject({ status: 200, done: true, parts: 10 })
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const blocks = blocksOf(answer.text)
    const before = blocks.findIndex((block) => !isComment(block))
    expect(before).toBeGreaterThanOrEqual(2)
    expectWhole(answer.text)
  })

  it('answers at once when nothing is silent', async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini')
    expect(answer.text).not.toContain('keep-alive')
  })

  it('gets its caller kept alive between parts', async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;parts=3;part-delay=600')
    expect(answer).toMatchObject({ done: true, parts: 3 })
    expect(blocksOf(answer.text).filter(isComment).length).toBeGreaterThanOrEqual(2)
    expectWhole(answer.text)
  })

  it('has its events kept whole while they trickle in', async () => {
    const answer = await askStream(door, 'up/gpt-4o-mini;parts=3;drip=700')
    expect(answer).toMatchObject({ done: true, parts: 3 })
    expect(blocksOf(answer.text).filter(isComment).length).toBeGreaterThanOrEqual(1)
    expectWhole(answer.text)
    for (const data of eventData(answer.text)) if (data !== '[DONE]') expect(() => JSON.parse(data)).not.toThrow()
  })

  it.each([
    ['delay=700;status=500', 'upstream_error'],
    ['delay=700;status=400', 'upstream_invalid_request'],
    ['first-part-delay=700;cut-at-part=0', 'upstream_truncated'],
  ])('fails as an event once the status line has left: %s', async (script, code) => {
    const answer = await askStream(door, `up/gpt-4o-mini;${script}`)
    expect(answer).toMatchObject({ status: 200, code, done: false, broken: false })
    expectWhole(answer.text)
  })

  it('fails plainly while it has not', async () => {
    expect(await askStream(door, 'up/gpt-4o-mini;status=400')).toMatchObject({ status: 400 })
  })
})
