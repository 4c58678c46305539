import { expect, it } from 'vitest'
import { until } from '../../../test/faults/support/load.ts'
import { systemClock } from '../../kernel/clock.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Deliver } from '../../kernel/outbound.ts'
import { createExporter } from './exporter.ts'

const rig = (deliver: Deliver) => {
  const counts = { sent: 0, dropped: 0 }
  const exporter = createExporter<number>({
    signal: 'traces',
    sink: { url: 'http://sink.example', headers: {} },
    batch: 512,
    encode: (items) => JSON.stringify(items),
    deliver,
    clock: { ...systemClock, after: (_, callback) => systemClock.after(1, callback) },
    log: silentLog,
    onSent: (count) => {
      counts.sent += count
    },
    onDropped: (count) => {
      counts.dropped += count
    },
  })
  return { exporter, counts }
}
const pushAll = (exporter: { push: (item: number) => void }, count: number) => {
  for (let item = 0; item < count; item++) exporter.push(item)
}

it('sends each item once, in order, in batches', async () => {
  const got: number[][] = []
  const { exporter, counts } = rig(async (_url, _headers, body) => {
    got.push(JSON.parse(body) as number[])
    return { status: 200, retryAfterMs: null }
  })
  pushAll(exporter, 2_000)
  await until('all are sent', () => counts.sent === 2_000)
  expect(got.flat()).toEqual(Array.from({ length: 2_000 }, (_, index) => index))
  expect(Math.max(...got.map(({ length }) => length))).toBe(512)
  await exporter.stop()
  expect(counts).toEqual({ sent: 2_000, dropped: 0 })
})

it('keeps a bounded queue while the sink does not take it, drops and counts the rest, and sends what it kept', async () => {
  let status = 503
  const { exporter, counts } = rig(async () => ({ status, retryAfterMs: null }))
  pushAll(exporter, 20_000)
  expect(counts.dropped).toBe(20_000 - 8_192)
  status = 200
  await until('the rest is sent', () => counts.sent === 8_192)
  await exporter.stop()
})

it('drops what a sink refuses for good, and what is left when a dead sink is waited for no longer', async () => {
  const refusing = rig(async () => ({ status: 400, retryAfterMs: null }))
  pushAll(refusing.exporter, 10)
  await until('it is dropped', () => refusing.counts.dropped === 10)
  await refusing.exporter.stop()
  const dead = rig(() => Promise.reject(new Error('ECONNREFUSED')))
  pushAll(dead.exporter, 10)
  await dead.exporter.stop()
  expect(dead.counts).toEqual({ sent: 0, dropped: 10 })
})
