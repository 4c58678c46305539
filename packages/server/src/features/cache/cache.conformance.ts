import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { CacheStore, Place, Selection } from './cache.ports.ts'

/** What the cache can rely on, wherever answers are kept. */
export const describeCacheStore = (
  name: string,
  open: () => Promise<{ readonly here: CacheStore; readonly there: CacheStore; readonly close: () => Promise<void> }>,
): void => {
  describe(`cached answers in ${name}`, () => {
    let rig: Awaited<ReturnType<typeof open>>
    beforeAll(async () => {
      rig = await open()
    })
    afterAll(() => rig.close())

    const place = (project = 'one'): Place => ({ project, lookup: randomUUID() })
    const owner = { keyId: 'key', subject: 'person' }
    const answer = Buffer.from([0, 255, 10, 128, 7])
    const all: Selection = { project: null, keyId: null, subject: null }
    const kept = async (at: Place, by = owner): Promise<Place> => {
      expect(await rig.here.claim(at, 'turn', by)).toBe(true)
      await rig.here.keep(at, 'turn', by, answer, 60_000)
      return at
    }

    it('are read as they were kept, by every replica and no other project', async () => {
      const at = place()
      expect(await rig.here.read(at)).toBeNull()
      await kept(at)
      expect(await rig.there.read(at)).toEqual(answer)
      expect(await rig.there.read({ ...at, project: 'other' })).toBeNull()
    })

    it('are made by one at a time, and again by the next where they were not', async () => {
      const at = place()
      expect(await rig.here.claim(at, 'first', owner)).toBe(true)
      expect(await rig.here.claim(at, 'first', owner)).toBe(true)
      expect(await rig.there.claim(at, 'second', owner)).toBe(false)
      await rig.there.release(at, 'second')
      expect(await rig.there.claim(at, 'second', owner)).toBe(false)
      await rig.here.release(at, 'first')
      expect(await rig.there.claim(at, 'second', owner)).toBe(true)
      await rig.here.keep(at, 'first', owner, answer, 60_000)
      expect(await rig.here.read(at)).toBeNull()
      await rig.there.keep(at, 'second', owner, answer, 60_000)
      expect(await rig.here.read(at)).toEqual(answer)
    })

    it('stand while they are made anew, and after that failed', async () => {
      const at = await kept(place())
      expect(await rig.there.claim(at, 'anew', owner)).toBe(true)
      expect(await rig.here.read(at)).toEqual(answer)
      await rig.there.release(at, 'anew')
      expect(await rig.here.read(at)).toEqual(answer)
      expect(await rig.here.claim(at, 'again', owner)).toBe(true)
      await rig.here.keep(at, 'again', owner, Buffer.from('new'), 60_000)
      expect(await rig.there.read(at)).toEqual(Buffer.from('new'))
    })

    it('are gone after their time', async () => {
      const at = place()
      await rig.here.claim(at, 'turn', owner)
      await rig.here.keep(at, 'turn', owner, answer, 1)
      await vi.waitFor(async () => expect(await rig.there.read(at)).toBeNull(), { timeout: 15_000, interval: 10 })
      await rig.here.forget()
    })

    it.each<[string, Partial<Selection>]>([
      ['project', { project: 'two' }],
      ['key', { keyId: 'other' }],
      ['person', { subject: 'other' }],
    ])('are forgotten by %s, also those that are being made', async (_, selection) => {
      const by = { keyId: selection.keyId ?? owner.keyId, subject: selection.subject ?? owner.subject }
      const meant = await kept(place(selection.project ?? 'one'), by)
      const unmeant = await kept(place())
      const coming = place(selection.project ?? 'one')
      await rig.there.claim(coming, 'coming', by)
      expect(await rig.here.purge({ ...all, ...selection })).toBe(1)
      await rig.there.keep(coming, 'coming', by, answer, 60_000)
      expect(await rig.there.read(meant)).toBeNull()
      expect(await rig.there.read(coming)).toBeNull()
      expect(await rig.there.read(unmeant)).toEqual(answer)
    })
  })
}
