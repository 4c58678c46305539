import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bucketOf, type Counters, type CounterRule } from './counters.ts'

/** Counters under test, and how time passes for them. */
export interface CountersRig {
  readonly counters: Counters
  /** Makes keys that no other test uses. */
  readonly key: (name: string) => string
  readonly advance: (milliseconds: number) => Promise<void> | void
}

const slow = (burst: number) => bucketOf(1, burst)
const quick = (burst: number) => bucketOf(1200, burst)

/** What every kind of counters must do. */
export const describeCounters = (name: string, open: () => Promise<CountersRig> | CountersRig): void => {
  describe(`counters in ${name}`, () => {
    let rig: CountersRig
    beforeEach(async () => {
      rig = await open()
    })
    afterEach(() => rig.counters.close())
    const rule = (key: string, bucket = slow(3)): CounterRule => ({ key: rig.key(key), bucket })

    it('gives away what the bucket holds, and says what is left', async () => {
      for (const remaining of [2, 1, 0]) {
        const { allowed, standings } = await rig.counters.take([rule('a')])
        expect(allowed).toBe(true)
        expect(standings).toHaveLength(1)
        expect(standings[0]).toMatchObject({ remaining, retryAfterMs: 0 })
        expect(standings[0]?.resetMs).toBeGreaterThan((3 - remaining) * 60_000 - 30_000)
        expect(standings[0]?.resetMs).toBeLessThanOrEqual((3 - remaining) * 60_000)
      }
      const { allowed, standings } = await rig.counters.take([rule('a')])
      expect(allowed).toBe(false)
      expect(standings[0]?.remaining).toBe(0)
      expect(standings[0]?.retryAfterMs).toBeGreaterThan(30_000)
      expect(standings[0]?.retryAfterMs).toBeLessThanOrEqual(60_000)
    })

    it('gives again when the told time has passed', async () => {
      const one = rule('b', quick(1))
      let decision = await rig.counters.take([one])
      for (let tries = 0; decision.allowed && tries < 20; tries++) decision = await rig.counters.take([one])
      expect(decision.allowed).toBe(false)
      await rig.advance(Math.ceil(decision.standings[0]?.retryAfterMs ?? 0) + 2)
      expect((await rig.counters.take([one])).allowed).toBe(true)
    })

    it('charges every rule or none', async () => {
      const wide = rule('wide', slow(10))
      const narrow = rule('narrow', slow(1))
      expect((await rig.counters.take([wide, narrow])).allowed).toBe(true)
      const refused = await rig.counters.take([wide, narrow])
      expect(refused.allowed).toBe(false)
      expect(refused.standings[0]).toMatchObject({ remaining: 9, retryAfterMs: 0 })
      expect(refused.standings[1]?.retryAfterMs).toBeGreaterThan(0)
      expect((await rig.counters.take([narrow, wide])).standings[1]).toMatchObject({ remaining: 9, retryAfterMs: 0 })
      expect((await rig.counters.take([wide])).standings[0]?.remaining).toBe(8)
    })

    it('keeps keys apart', async () => {
      for (let call = 0; call < 3; call++) await rig.counters.take([rule('mine')])
      expect((await rig.counters.take([rule('mine')])).allowed).toBe(false)
      expect((await rig.counters.take([rule('yours')])).standings[0]?.remaining).toBe(2)
    })

    it('admits exactly the burst of 200 at once', async () => {
      const one = rule('crowd', slow(50))
      const decisions = await Promise.all(Array.from({ length: 200 }, async () => rig.counters.take([one])))
      expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(50)
    })

    it('counts a practically unlimited rule and refuses nothing', async () => {
      const one = rule('internal', bucketOf(1_000_000_000, 1_000_000))
      for (let call = 0; call < 100; call++) expect((await rig.counters.take([one])).allowed).toBe(true)
    })

    it('is well', () => {
      expect(rig.counters.health().state).toBe('ok')
    })
  })
}
