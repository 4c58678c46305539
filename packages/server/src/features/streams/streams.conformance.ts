import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { prefixedId } from '../../kernel/ids.ts'
import { AppError } from '../../kernel/errors.ts'
import { createScript, events, read } from './__fixtures__/script.ts'
import type { KeptCall, KeptStream, StreamHolder, Streams } from './streams.ports.ts'

/** Where a stream runs, and where it is read: the same, or two replicas. */
export interface StreamsRig {
  readonly here: Streams
  readonly there: Streams
  readonly close: () => Promise<void>
}

const holder: StreamHolder = { projectId: 'prj', keyId: 'key', user: null }
const patience = { timeout: 15_000, interval: 10 }
const until = (check: () => void) => vi.waitFor(check, patience)

/** What readers of kept streams can rely on, wherever they read. */
export const describeStreams = (name: string, open: () => Promise<StreamsRig>): void => {
  describe(`streams ${name}`, () => {
    let rig: StreamsRig
    beforeAll(async () => {
      rig = await open()
    })
    afterAll(() => rig.close())

    const begin = async (more: Partial<KeptCall> = {}) => {
      const script = createScript()
      const id = prefixedId('stm', Date.now())
      const call = { id, holder, protocol: 'chat' as const, requestId: 'req', lingerMs: 60_000, ...more }
      const kept = rig.here.keep({ begin: async () => script.source, ...call }) as KeptStream
      const first = read(await kept.first)
      return { script, id, kept, first }
    }
    const readAt = async (id: string, after: number, who = holder) => {
      const found = await rig.there.attach(id, who, after)
      return found === null || found === 'over' ? found : read(found)
    }
    /** Reads once there is something to be read. */
    const reach = async (id: string, after = 0) => {
      const found = await vi.waitFor(async () => {
        const seen = await readAt(id, after)
        expect(seen).not.toBeNull()
        return seen
      }, patience)
      if (found === null || found === 'over') throw new Error('there is no more to read')
      return found
    }

    it('are numbered, and read from any place while they run and after', async () => {
      const { script, id, first } = await begin()
      script.say('a', 'b')
      const all = await reach(id)
      const rest = await reach(id, 1)
      await until(() => expect(all.text).toBe(events(1, 'a', 'b')))
      script.say('c')
      script.say('[DONE]')
      script.end()
      await until(() => expect(all.isEnded && rest.isEnded).toBe(true))
      expect(first).toMatchObject({ text: events(1, 'a', 'b', 'c', '[DONE]'), isEnded: true, fault: null })
      expect(all.text).toBe(first.text)
      expect(rest.text).toBe(events(2, 'b', 'c', '[DONE]'))
      expect((await reach(id, 3)).text).toBe(events(4, '[DONE]'))
      expect(await readAt(id, 4)).toBe('over')
      expect(await readAt(id, 99)).toBe('over')
      expect(await rig.there.standing(id, holder)).toEqual({ id, state: 'completed', last: 4, code: null })
    })

    it('are there for their own caller alone', async () => {
      const { script, id } = await begin()
      script.say('a')
      await reach(id)
      for (const other of [{ projectId: 'other' }, { keyId: 'other' }, { user: 'other' }]) {
        expect(await readAt(id, 0, { ...holder, ...other })).toBeNull()
        expect(await rig.there.standing(id, { ...holder, ...other })).toBeNull()
        expect(await rig.there.cancel(id, { ...holder, ...other })).toBeNull()
      }
      expect(await readAt(prefixedId('stm', Date.now()), 0)).toBeNull()
      expect(script.state.isAborted).toBe(false)
      script.end()
    })

    it('tell a fault once, as their last event, with the place that the truth reaches', async () => {
      const { script, id, first } = await begin()
      script.say('a', 'b')
      script.fail(new AppError('upstream_truncated'))
      expect(first.fault).toMatchObject({ code: 'upstream_truncated' })
      const again = await reach(id)
      await until(() => expect(again.fault).toMatchObject({ code: 'upstream_truncated' }))
      expect(again.text).toBe(events(1, 'a', 'b'))
      expect(again.told).toBe(first.told)
      expect(again.told).toContain('id: 3\n')
      expect(again.told).toContain(`"stream_id":"${id}","cursor":2`)
      expect(await readAt(id, 3)).toBe('over')
      expect(await rig.there.standing(id, holder)).toMatchObject({ state: 'failed', code: 'upstream_truncated' })
    })

    it('are cancelled from anywhere, twice too', async () => {
      const { script, id, first } = await begin()
      script.say('a')
      await reach(id)
      expect(await rig.there.cancel(id, holder)).toMatchObject({ state: 'cancelled', last: 2 })
      expect(await rig.there.cancel(id, holder)).toMatchObject({ state: 'cancelled', last: 2 })
      expect(script.state.isAborted).toBe(true)
      expect(first.fault).toMatchObject({ code: 'stream_cancelled' })
    })

    it('go on while somebody reads, and end when nobody has for long enough', async () => {
      const script = createScript()
      const id = prefixedId('stm', Date.now())
      const call = { id, holder, protocol: 'chat' as const, requestId: 'req', lingerMs: 400 }
      const kept = rig.here.keep({ ...call, begin: async () => script.source }) as KeptStream
      const first = await kept.first
      read(first)
      script.say('a')
      const other = await reach(id)
      first.abort()
      await new Promise((resolve) => setTimeout(resolve, 900))
      expect(script.state.isAborted).toBe(false)
      script.say('b')
      await until(() => expect(other.text).toBe(events(1, 'a', 'b')))
      script.say('[DONE]')
      script.end()
      await until(() => expect(other.isEnded).toBe(true))

      const lonely = createScript()
      const left = { ...call, id: prefixedId('stm', Date.now()), lingerMs: 100, begin: async () => lonely.source }
      const source = await (rig.here.keep(left) as KeptStream).first
      read(source)
      lonely.say('a')
      source.abort()
      await until(() => expect(lonely.state.isAborted).toBe(true))
      const late = await reach(left.id)
      await until(() => expect(late.fault).toMatchObject({ code: 'stream_abandoned' }))
      expect(late.text).toBe(events(1, 'a'))
    })
  })
}
