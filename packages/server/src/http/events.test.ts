import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, expect, test, vi } from 'vitest'
import type { StreamSource } from '../domain/upstream.ts'
import { Cancellation } from '../kernel/cancellation.ts'
import { systemClock } from '../kernel/clock.ts'
import { createEvents } from './events.ts'

afterEach(() => {
  vi.useRealTimers()
})

const rig = (stream: Promise<StreamSource>) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  const written: string[] = []
  const response = Object.assign(new EventEmitter(), {
    destroyed: false,
    writableLength: 0,
    writeHead: () => void written.push('head'),
    write: (chunk: string) => written.push(chunk) > 0,
    end: () => void written.push('end'),
  })
  const events = createEvents({ clock: systemClock, commitAfterMs: 1_000, keepAliveMs: 60_000 })
  const answered = events.answer({
    response: response as unknown as ServerResponse,
    stream,
    headers: () => ({}),
    presentEvent: () => '',
    cancellation: new Cancellation(),
  })
  return { written, events, answered }
}
type Sink = Parameters<StreamSource['start']>[0]

test('a stream that has begun gets no comment when the time to commit comes', async () => {
  let sink: Sink | null = null
  const source = { start: (given: Sink) => void (sink = given), pause: () => {}, resume: () => {}, abort: () => {} }
  const { written, events, answered } = rig(Promise.resolve(source))
  await vi.advanceTimersByTimeAsync(5_000)
  sink!.data(Buffer.from('part'))
  sink!.end()
  expect(await answered).toBeNull()
  expect(written.map(String)).toEqual(['head', 'part', 'end'])
  events.stop()
})

test('a stream that is late is committed with a comment', async () => {
  const { promise, reject } = Promise.withResolvers<StreamSource>()
  const { written, events, answered } = rig(promise)
  await vi.advanceTimersByTimeAsync(1_500)
  expect(written.map(String)).toEqual(['head', ': keep-alive\n\n'])
  reject(new Error('gone'))
  await answered
  events.stop()
})
