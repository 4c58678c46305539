import { randomBytes, randomUUID } from 'node:crypto'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { redisUrl } from '../../../test/support/redis.ts'
import { startRedis } from '../../../test/support/services.ts'
import { systemClock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { silentLog } from '../../kernel/log.ts'
import { createScript, events, read } from './__fixtures__/script.ts'
import { createRedisMirror } from './mirror.redis.ts'
import { createStreams } from './streams.ts'
import type { KeptStream, StreamBounds, StreamMirror, Streams } from './streams.ports.ts'
import { describeStreams } from './streams.conformance.ts'

const patience = { timeout: 15_000, interval: 10 }
const holder = { projectId: 'prj', keyId: 'key', user: null }
const generous: StreamBounds = { streamBytes: 1_000_000, totalBytes: 2_000_000, keepMs: 600_000, lingerMs: 60_000 }

const build = (mirror: StreamMirror | null, bounds: Partial<StreamBounds> = {}, lostMs = 6_000): Streams => {
  const streams = createStreams({
    clock: systemClock,
    mirror,
    canKeep: true,
    present: (_protocol, fault) => `data: ${JSON.stringify({ error: { code: fault.code, ...fault.options } })}\n\n`,
    bounds: () => ({ ...generous, ...bounds }),
    lostMs,
    onResumed: () => undefined,
  })
  void streams.start?.()
  return streams
}

const pepper = randomBytes(32)
const prefix = `test:${randomUUID()}:`
const openMirror = (secret = pepper): StreamMirror =>
  createRedisMirror({ url: redisUrl(), clock: systemClock, log: silentLog, pepper: secret, prefix })

describeStreams('in memory', async () => {
  const streams = build(null)
  return { here: streams, there: streams, close: async () => streams.stop?.() }
})

describeStreams('between two replicas through Redis', async () => {
  const [here, there] = [build(openMirror()), build(openMirror())]
  return {
    here,
    there,
    close: async () => {
      await here.stop?.()
      await there.stop?.()
    },
  }
})

let made = 0
const begin = async (streams: Streams, words: readonly string[] = []) => {
  const script = createScript()
  const id = `stm_${++made}_${randomUUID()}`
  const call = { id, holder, protocol: 'chat' as const, requestId: 'req', lingerMs: 60_000 }
  const kept = streams.keep({ ...call, begin: async () => script.source }) as KeptStream
  const source = await kept.first
  if (words.length > 0) script.say(...words)
  return { script, id, source, kept }
}

describe('the buffer', () => {
  it('lets the oldest events of a long stream go, but none that a reader here waits for', async () => {
    const streams = build(null, { streamBytes: 1_000 })
    const { script, id, source } = await begin(streams)
    const word = 'x'.repeat(200)
    for (let count = 0; count < 5; count += 1) script.say(word)
    expect(script.state.isPaused).toBe(true)
    const first = read(source)
    expect(first.text).toBe(events(1, ...Array.from({ length: 5 }, () => word)))
    expect(script.state.isPaused).toBe(false)
    const late = await streams.attach(id, holder, 0)
    expect(read(late as typeof source).fault).toMatchObject({ code: 'stream_too_long' })
    const near = await streams.attach(id, holder, 4)
    expect(read(near as typeof source).text).toBe(events(5, word))
    expect(streams.held().bytes).toBeLessThanOrEqual(1_000)
    await streams.stop?.()
  })

  it('gives streams that have ended up for new ones, and keeps no more where all run', async () => {
    const streams = build(null, { totalBytes: 1_000 })
    const old = await begin(streams, ['x'.repeat(600)])
    read(old.source)
    old.script.end()
    const young = await begin(streams, ['y'.repeat(600)])
    expect(await streams.attach(old.id, holder, 0)).toBeNull()
    const other = await begin(streams, ['z'.repeat(600)])
    expect([young, other].map(({ script }) => script.state.isPaused)).toEqual([false, true])
    const call = { id: 'stm_late', holder, protocol: 'chat' as const, requestId: 'req', lingerMs: null }
    expect(streams.keep({ ...call, begin: async () => createScript().source })).toBeNull()
    // Readers make room: what they have read can go.
    read(young.source)
    expect(read(other.source).text).toContain('zzz')
    expect(other.script.state.isPaused).toBe(false)
    await streams.stop?.()
  })

  it('gives the bytes of a call that never began back, and of a stream whose time is over', async () => {
    const streams = build(null)
    const call = { holder, protocol: 'chat' as const, requestId: 'req', lingerMs: 60_000 }
    const fault = new AppError('upstream_unreachable')
    const failed = streams.keep({ ...call, id: 'stm_failed', begin: () => Promise.reject(fault) }) as KeptStream
    await expect(failed.first).rejects.toBe(fault)
    expect(streams.held()).toEqual({ streams: 0, bytes: 0 })
    const short = build(null, { keepMs: 100 })
    const { script, id } = await begin(short, ['a'])
    script.end()
    await vi.waitFor(() => expect(short.held()).toEqual({ streams: 0, bytes: 0 }), patience)
    expect(await short.attach(id, holder, 0)).toBeNull()
    await short.stop?.()
    await streams.stop?.()
  })

  it('leaves comments out, and takes ids of the provider’s off', async () => {
    const streams = build(null)
    const { script, source } = await begin(streams)
    const seen = read(source)
    script.raw(': ping\n\nid: 77\ndata: a\r\n\r\nevent: x\rdata: b\r\r')
    expect(seen.text).toBe('id: 1\ndata: a\r\n\r\nid: 2\nevent: x\rdata: b\r\r')
    await streams.stop?.()
  })
})

describe('a stream in Redis', () => {
  let redis: ReturnType<typeof createClient>
  beforeAll(async () => {
    redis = createClient({ url: redisUrl() })
    await redis.connect()
  })
  afterAll(() => redis.destroy())
  const keysOf = (id: string) => [`${prefix}{${id}}`, `${prefix}{${id}}:events`]

  it('is sealed, expires, and is written again when the store was emptied', async () => {
    const here = build(openMirror())
    const there = build(openMirror())
    const { script, id, source } = await begin(here, ['secret-canary'])
    read(source)
    const [head, list] = keysOf(id) as [string, string]
    await vi.waitFor(async () => expect(await redis.xLen(list)).toBe(1), patience)
    expect(JSON.stringify(await redis.xRange(list, '-', '+'))).not.toContain('canary')
    for (const key of [head, list]) expect(await redis.pTTL(key)).toBeGreaterThan(500_000)
    await redis.unlink([head, list])
    script.say('b')
    await vi.waitFor(async () => expect(await redis.xLen(list)).toBe(2), patience)
    const seen = read((await there.attach(id, holder, 0)) as typeof source)
    await vi.waitFor(() => expect(seen.text).toBe(events(1, 'secret-canary', 'b')), patience)
    await here.stop?.()
    await there.stop?.()
  })

  it('whose owner has gone gets one error with the place it reaches, for every reader the same', async () => {
    const mirror = openMirror()
    const here = build(mirror)
    const there = build(openMirror(), {}, 1_000)
    const { id, source } = await begin(here, ['a', 'b'])
    read(source)
    await vi.waitFor(async () => expect(await redis.xLen(keysOf(id)[1] as string)).toBe(2), patience)
    // As after kill -9: nothing is written any more.
    await mirror.close()
    const seen = read((await there.attach(id, holder, 0)) as typeof source)
    const other = read((await there.attach(id, holder, 1)) as typeof source)
    await vi.waitFor(() => expect(seen.fault && other.fault).toMatchObject({ code: 'stream_interrupted' }), patience)
    expect(seen.text).toBe(events(1, 'a', 'b'))
    expect(other.text).toBe(events(2, 'b'))
    expect(seen.told).toContain('id: 10002\n')
    expect(seen.told).toContain('"cursor":2')
    expect(other.told).toBe(seen.told)
    // Who had more of it than was shared is told as well.
    const ahead = read((await there.attach(id, holder, 4)) as typeof source)
    await vi.waitFor(() => expect(ahead.told).toBe(seen.told), patience)
    expect(await there.attach(id, holder, 10_002)).toBe('over')
    await there.stop?.()
    await here.stop?.().catch(() => undefined)
  })

  it('runs on while Redis is frozen or dead, for readers here, and is shared when it is back', async () => {
    const service = await startRedis()
    const open = () => createRedisMirror({ url: service.url, clock: systemClock, log: silentLog, pepper, prefix })
    const here = build(open())
    const there = build(open())
    const reachable = (id: string) =>
      vi.waitFor(async () => {
        const found = await there.attach(id, holder, 0)
        if (found === null || found === 'over') throw new Error('not there yet')
        return read(found)
      }, patience)
    try {
      const { script, id, source } = await begin(here, ['a'])
      const first = read(source)
      const follower = await reachable(id)
      service.signal('SIGSTOP')
      script.say('b')
      const frozen = await begin(here, ['x'])
      expect(read(frozen.source).text).toBe(events(1, 'x'))
      expect(first.text).toBe(events(1, 'a', 'b'))
      await expect(there.attach(id, holder, 0)).rejects.toMatchObject({ code: 'streams_unavailable' })
      service.signal('SIGCONT')
      await vi.waitFor(() => expect(follower.text).toBe(events(1, 'a', 'b')), patience)
      await service.kill()
      script.say('c')
      expect(first.text).toBe(events(1, 'a', 'b', 'c'))
      await expect(there.cancel(id, holder)).rejects.toMatchObject({ code: 'streams_unavailable' })
      await service.restart()
      await vi.waitFor(() => expect(follower.text).toBe(events(1, 'a', 'b', 'c')), patience)
      script.end()
      await vi.waitFor(() => expect(follower.isEnded).toBe(true), patience)
    } finally {
      await here.stop?.()
      await there.stop?.()
      await service.stop()
    }
  }, 60_000)

  it('cannot be told from a missing one without the secret of the replicas', async () => {
    const here = build(openMirror())
    const stranger = build(openMirror(randomBytes(32)))
    const { id, source } = await begin(here, ['a'])
    read(source)
    await vi.waitFor(async () => expect(await redis.xLen(keysOf(id)[1] as string)).toBe(1), patience)
    await expect(stranger.attach(id, holder, 0)).rejects.toMatchObject({ code: 'streams_unavailable' })
    await here.stop?.()
    await stranger.stop?.()
  })
})
