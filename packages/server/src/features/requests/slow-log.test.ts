import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'
import { readOtlpLines, type Receiver, startReceiver } from '../../../test/support/receivers.ts'
import { Walk } from '../../domain/walk.ts'
import { type LogFields, silentLog } from '../../kernel/log.ts'
import { createSlowLog, type SlowCause, type SlowLimits } from './slow-log.ts'

const limits: SlowLimits = { overheadMs: 100, firstByteMs: 0, durationMs: 0, perMinute: 3, objectives: {} }
const route = '/v1/chat/completions'

const rig = (more: Partial<SlowLimits> = {}) => {
  const time = { now: 0 }
  const lines: LogFields[] = []
  const causes: SlowCause[] = []
  const log = { ...silentLog, warn: (fields: LogFields) => void lines.push(fields) }
  const onSlow = (_route: string, cause: SlowCause) => void causes.push(cause)
  const slow = createSlowLog({ ...limits, ...more }, { log, monotonic: () => time.now, onSlow })
  /** A walk by the times at which its stages ended. */
  const answer = (stamps: Partial<Walk>, code: string | null = null) => {
    const walk = Object.assign(new Walk(0, 0), { operation: 'chat' as const, ...stamps })
    const ending = { id: 'req_a', requestId: 'req_a', method: 'POST', route, status: 200, code, caller: null }
    slow(walk, ending, Math.max(walk.endedAt, walk.settledAt))
  }
  return { time, lines, causes, answer }
}
const tried = (startedAt: number, endedAt: number) => [{ target: 'up/a', startedAt, endedAt, status: 200, fault: null }]
/** Ours are 8 ms; the caller sends for 500, a place is waited for 300, the provider takes 2000, the reader 900. */
const quick: Partial<Walk> = {
  identifiedAt: 1,
  receivedAt: 501,
  readAt: 502,
  routedAt: 503,
  admittedAt: 504,
  queuedAt: 804,
  queuedMs: 300,
  answeredAt: 2_806,
  settlingAt: 2_806,
  settledAt: 2_808,
  endedAt: 3_708,
  tries: tried(805, 2_805),
}

it('takes neither the caller’s, the provider’s nor the queue’s time for its own', () => {
  const { lines, causes, answer } = rig()
  answer(quick)
  expect([lines, causes]).toEqual([[], []])
  answer({ ...quick, admittedAt: 700, queuedAt: 1_000, tries: tried(1_001, 2_805) })
  expect(causes).toEqual(['overhead'])
  expect(lines[0]).toMatchObject({
    request_id: 'req_a',
    reason: 'overhead 204 ms, slow_log.overhead_ms is 100',
    upstream_ms: 1_804,
    queue_ms: 300,
    stages: { receive: 500, admit: 197, queue: 300, call: 1_806, respond: 900 },
  })
})

it('judges whole answers by the tightest objective of their route, streams by their first byte, failures by our part alone', () => {
  const { lines, causes, answer } = rig({
    objectives: {
      all: { measure: 'duration', within_ms: 3_000, target_percent: 99 },
      other: { measure: 'duration', within_ms: 1, target_percent: 99, route: '/v1/embeddings' },
      first: { measure: 'first_byte', within_ms: 1_000, target_percent: 99, route },
    },
  })
  answer(quick)
  expect(lines[0]?.reason).toBe('duration 3708 ms, objective all is 3000')
  const settlement = (firstByteMs: number) => ({ target: 'up/a', firstByteMs }) as Walk['settlement']
  answer({ ...quick, stream: true, settlement: settlement(900), endedAt: 600_000 })
  answer({ ...quick, endedAt: 9_000 }, 'upstream_timeout')
  expect(causes).toEqual(['duration'])
  answer({ ...quick, stream: true, settlement: settlement(2_806) })
  expect(causes).toEqual(['duration', 'first_byte'])
  expect(lines[1]).toMatchObject({ reason: 'first_byte 2806 ms, objective first is 1000', first_byte_ms: 2_806 })
})

it('writes so many lines a minute in a storm, counts all, and says how many went untold', () => {
  const { time, lines, causes, answer } = rig({ durationMs: 1_000 })
  for (let count = 0; count < 100; count++) answer(quick)
  expect([lines.length, causes.length]).toEqual([3, 100])
  time.now = 60_000
  answer(quick)
  expect(lines[3]).toMatchObject({ count: 97 })
})

let receiver: Receiver
let house: House
beforeAll(async () => {
  receiver = await startReceiver()
  house = await startHouse({
    config: {
      objectives: { quick: { measure: 'duration', within_ms: 3_000, target_percent: 99 } },
      slow_log_overhead_ms: '0',
      slow_log_first_byte_ms: '3000',
      sinks_logs_url: `${receiver.url}/v1/logs`,
    },
    environment: { HEADGATE_LOG_LEVEL: 'warn' },
  })
})
afterAll(async () => {
  await house.stop()
  await receiver.close()
})

it('is told of calls through the door, without a word of the prompt, and is in the metrics', async () => {
  const { key } = await house.makeKey()
  const call = async (script: string, stream: boolean) => {
    const messages = [{ role: 'user', content: 'the prompt itself' }]
    await (
      await house.request('/v1/chat/completions', {
        key,
        body: { model: `up/gpt-4o-mini;${script}`, stream, messages },
      })
    ).text()
  }
  await Promise.all([
    call('parts=2', false),
    // Long, and not slow.
    call('parts=20;part-delay=170', true),
    call('delay=3200', false),
    call('delay=3200', true),
  ])
  const slow = () => readOtlpLines(receiver.deliveries).filter(({ body }) => body === 'A request was slow')
  await expect.poll(() => slow().length, { timeout: 15_000 }).toBe(2)
  const lines = slow().map(({ attributes }) => attributes)
  const by = (cause: string) => lines.find(({ reason }) => String(reason).startsWith(cause))
  const [whole, stream] = [by('duration'), by('first_byte')]
  expect(whole?.['reason']).toMatch(/^duration \d+ ms, objective quick is 3000$/)
  expect(stream?.['reason']).toMatch(/^first_byte \d+ ms, slow_log.first_byte_ms is 3000$/)
  expect(Number(whole?.['stages.call'])).toBeGreaterThan(3_190)
  expect(Number(whole?.['upstream_ms'])).toBeGreaterThan(3_190)
  expect(JSON.stringify(slow())).not.toContain('the prompt itself')
  const metrics = await (await house.request('/metrics')).text()
  expect(metrics).toContain(`headgate_slow_requests_total{route="${route}",cause="duration"} 1`)
})
