import { expect, it } from 'vitest'
import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import { doneEvent, encodeEvent } from '../../kernel/sse.ts'
import { createBlockList } from './block-list.ts'
import { checkedStream } from './output-window.ts'

const seed = 20_261
const rounds = 400
const blocked = 'the red door'
const list = createBlockList({ doors: { texts: [blocked], applies_to: 'both' } }, 'answers')

/** A generator of numbers from 0 to 1 that are the same in every run (mulberry32). */
const numbers = (state: number) => () => {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

const chunk = (index: number, delta: object, finish_reason: string | null = null): Buffer =>
  encodeEvent({ object: 'chat.completion.chunk', choices: [{ index, delta, finish_reason }] })

/** Plays chunks through the window. */
const play = (chunks: readonly Buffer[]) => {
  let reader: StreamListener | null = null
  let isRefused = false
  const source: StreamSource = {
    start: (listener) => {
      reader = listener
    },
    pause: () => {},
    resume: () => {},
    abort: () => {},
    refuse: (fault) => {
      isRefused = true
      reader?.fail(fault)
      return true
    },
  }
  const seen: Buffer[] = []
  let ending: string | null = null
  checkedStream(
    source,
    list as NonNullable<typeof list>,
    256,
    () => new AppError('answer_blocked'),
    () => {},
  ).start({
    data: (bytes) => void seen.push(bytes),
    end: () => {
      ending = 'end'
    },
    fail: (fault) => {
      ending = (fault as AppError).code
    },
  })
  const held: number[] = []
  let sent = 0
  for (const bytes of chunks) {
    if (isRefused) break
    const { data } = reader as unknown as StreamListener
    data(bytes)
    sent += bytes.length
    held.push(sent - seen.reduce((sum, { length }) => sum + length, 0))
  }
  if (!isRefused) (reader as unknown as StreamListener).end()
  return { bytes: Buffer.concat(seen).toString(), ending, most: Math.max(0, ...held) }
}

it('shows every byte of what is good, and nothing of what is not, wherever it is cut', () => {
  const random = numbers(seed)
  const fillers = ['a quiet sea ', 'the red ', 'door ', 'the reddish door ', 'œuvre 海 ']
  for (let round = 0; round < rounds; round++) {
    const isBad = random() < 0.5
    let text = ''
    while (text.length < 600) {
      const next = fillers[Math.floor(random() * fillers.length)] as string
      if (!`${text}${next}`.includes(blocked)) text += next
    }
    const at = Math.floor(random() * text.length)
    if (isBad) text = `${text.slice(0, at)} ${blocked} ${text.slice(at)}`
    const chunks = [chunk(0, { role: 'assistant', content: '' })]
    for (let from = 0; from < text.length; ) {
      const length = 1 + Math.floor(random() * 9)
      chunks.push(chunk(0, { content: text.slice(from, from + length) }))
      from += length
    }
    chunks.push(chunk(0, {}, 'stop'), doneEvent)
    const { bytes, ending } = play(chunks)
    const isBlocked = / the red door[^a-z]/i.test(` ${text} `)
    expect(ending, text).toBe(isBlocked ? 'answer_blocked' : 'end')
    if (!isBlocked) expect(bytes).toBe(Buffer.concat(chunks).toString())
    else {
      const shown = [...bytes.matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece).join('')
      expect(bytes).not.toContain('[DONE]')
      expect(text.startsWith(shown)).toBe(true)
      expect(shown.length).toBeLessThanOrEqual(` ${text} `.search(/ the red door[^a-z]/i))
    }
  }
})

it('lets go of a text once another takes its place or its answer is over', () => {
  const before = [chunk(0, { reasoning_content: 'I think of a door' }), chunk(0, { content: 'A sea.' })]
  const tool = chunk(0, { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{"q":' } }] })
  const whole = [...before, tool, chunk(0, {}, 'tool_calls'), doneEvent]
  expect(play(whole)).toMatchObject({ ending: 'end', bytes: Buffer.concat(whole).toString() })
  const two = [
    chunk(0, { content: 'the red' }),
    chunk(1, { content: ' door' }),
    chunk(0, {}, 'stop'),
    chunk(1, {}, 'stop'),
  ]
  expect(play(two)).toMatchObject({ ending: 'end' })
  const cut = [
    chunk(0, { content: 'the red' }),
    chunk(1, { content: 'x' }),
    chunk(0, { content: ' door' }),
    chunk(0, {}, 'stop'),
  ]
  expect(play(cut)).toMatchObject({ ending: 'answer_blocked', bytes: '' })
})

it('holds at most so much, whatever is said', () => {
  const many = Array.from({ length: 2_000 }, () => chunk(0, { content: 'x'.repeat(1_000) }))
  const { most } = play(many)
  expect(most).toBeLessThan(4_000)
  const endless = [
    chunk(0, { content: 'a' }),
    ...Array.from({ length: 1_500 }, () => chunk(1, { content: 'x'.repeat(1_000) })),
  ]
  expect(play(endless)).toMatchObject({ ending: 'answer_blocked' })
})

it('reads every way to write an event that a reader would read', () => {
  for (const written of [
    `data:   {"choices":[{"index":0,"delta":{"content":"${blocked}"}}]}\n\n`,
    `data: {"choices":[{"index":0,"message":{"content":"${blocked}"}}]}\n\n`,
    `data: {"choices":[{"index":0,"text":"${blocked}"}]}\n\n`,
  ])
    expect(play([Buffer.from(written), doneEvent]), written).toMatchObject({ ending: 'answer_blocked', bytes: '' })
})

it('takes no longer where one event holds many texts', () => {
  const before = performance.now()
  const content = Array.from({ length: 50_000 }, () => 'x')
  expect(play([chunk(0, { content }), chunk(0, {}, 'stop'), doneEvent])).toMatchObject({ ending: 'end' })
  expect(performance.now() - before).toBeLessThan(10_000)
})
