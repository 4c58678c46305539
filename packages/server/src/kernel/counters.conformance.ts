import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bucketOf, type Correction, type Counters, type CounterRule, type Limit } from './counters.ts'

/** Counters under test, and how time passes for them. */
export interface CountersRig {
  readonly counters: Counters
  /** Makes keys that no other test uses. */
  readonly key: (name: string) => string
  readonly advance: (milliseconds: number) => Promise<void> | void
  /** The clock that the counters go by; monotonic milliseconds. */
  readonly now: () => number
  /** Resolves when corrections have arrived. */
  readonly settled: () => Promise<void>
}

const window = (quota: number, windowMs = 600_000): Limit => ({ algorithm: 'sliding_window', quota, windowMs })
const atOnce = (quota: number): Limit => ({ algorithm: 'concurrency', quota, windowMs: 0 })
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
    const rule = (key: string, limit = slow(3), cost = 1): CounterRule => ({ key: rig.key(key), limit, cost })
    const shadow = (key: string, limit: Limit): CounterRule => ({ ...rule(key, limit), shadow: true })

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

    it('takes several units at once, and says never to more than there ever are', async () => {
      for (const [name, limit] of [
        ['bucket', slow(10)],
        ['window', window(10)],
      ] as const) {
        expect((await rig.counters.take([rule(name, limit, 7)])).standings[0]?.remaining).toBe(3)
        const refused = await rig.counters.take([rule(name, limit, 4)])
        expect(refused.allowed).toBe(false)
        expect(refused.standings[0]?.remaining).toBe(3)
        expect(refused.standings[0]?.retryAfterMs).toBeGreaterThan(0)
        expect((await rig.counters.take([rule(name, limit, 3)])).standings[0]?.remaining).toBe(0)
        const never = await rig.counters.take([rule(name, limit, 11)])
        expect(never.standings[0]?.retryAfterMs).toBe(Number.POSITIVE_INFINITY)
      }
    })

    it('lets a window fill once in its length', async () => {
      const one = rule('sliding', window(5, 6000), 1)
      const decisions = await Promise.all(Array.from({ length: 20 }, async () => rig.counters.take([one])))
      expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(5)
      const wait = decisions.at(-1)?.standings[0]?.retryAfterMs ?? 0
      expect(wait).toBeGreaterThan(0)
      expect(wait).toBeLessThanOrEqual(6100)
      await rig.advance(Math.ceil(wait) + 15)
      expect((await rig.counters.take([one])).allowed).toBe(true)
    })

    it('counts what is under way, and forgets it when it ends', async () => {
      const one = rule('under way', atOnce(2))
      expect((await rig.counters.take([one], 'first')).standings[0]?.remaining).toBe(1)
      expect((await rig.counters.take([one], 'second')).standings[0]?.remaining).toBe(0)
      const third = await rig.counters.take([one], 'third')
      expect(third.allowed).toBe(false)
      expect(third.standings[0]?.retryAfterMs).toBeGreaterThan(0)
      rig.counters.correct([{ ...one, change: -1, taken: third.taken }], 'first')
      await rig.settled()
      expect((await rig.counters.take([one], 'fourth')).allowed).toBe(true)
      expect((await rig.counters.take([one], 'fifth')).allowed).toBe(false)
    })

    it('takes nothing of any kind when one refuses', async () => {
      const rules = [rule('all bucket', slow(9)), rule('all window', window(9)), rule('all at once', atOnce(9))]
      expect((await rig.counters.take(rules, 'one')).allowed).toBe(true)
      const { allowed, standings } = await rig.counters.take([...rules, rule('all none', window(3), 4)], 'two')
      expect(allowed).toBe(false)
      expect(standings.map(({ remaining }) => remaining)).toEqual([8, 8, 8, 3])
      expect(standings.map(({ retryAfterMs }) => retryAfterMs > 0)).toEqual([false, false, false, true])
    })

    it('corrects an estimate both ways, and never below nothing', async () => {
      for (const [name, limit] of [
        ['corrected bucket', slow(100)],
        ['corrected window', window(100)],
      ] as const) {
        const one = rule(name, limit, 40)
        const { taken } = await rig.counters.take([one])
        const correct = async (change: number) => {
          const correction: Correction = { key: one.key, limit, change, taken }
          rig.counters.correct([correction], 'someone')
          await rig.settled()
        }
        const left = async () => (await rig.counters.take([rule(name, limit, 0)])).standings[0]?.remaining
        await correct(-30)
        expect(await left()).toBe(90)
        await correct(50)
        expect(await left()).toBe(40)
        await correct(-500)
        expect(await left()).toBe(100)
        await correct(130)
        expect((await rig.counters.take([rule(name, limit, 1)])).allowed).toBe(false)
      }
    })

    it('gives back nothing of a bucket that came back of itself', async () => {
      const one = rule('refilled', slow(10), 6)
      const { taken } = await rig.counters.take([one])
      const giveBack = async (fullInMs: number) => {
        rig.counters.correct(
          [{ key: one.key, limit: one.limit, change: -5, taken, bucket: { fullInMs, givenMs: 0 } }],
          'someone',
        )
        await rig.settled()
        return (await rig.counters.take([rule('refilled', one.limit, 0)])).standings[0]?.remaining
      }
      expect(await giveBack(60_000 * 6)).toBe(9)
      // The bucket was full again before another call took what is taken now.
      expect(await giveBack(0)).toBe(9)
      // It may have been, because so much was given back since.
      expect(await giveBack(60_000 * 6)).toBe(9)
    })

    it('gives units of a window back where they were taken, however late that is told', async () => {
      const one = rule('late', window(10, 6_000), 6)
      const first = await rig.counters.take([one])
      await rig.advance(150)
      expect((await rig.counters.take([rule('late', one.limit, 4)])).allowed).toBe(true)
      // In the part of the second, if the clock of the asker and the way to a shared count were to say.
      const taken = first.taken.store === null ? first.taken : { ...first.taken, at: rig.now() }
      rig.counters.correct([{ key: one.key, limit: one.limit, change: -6, taken }], 'someone')
      await rig.settled()
      expect((await rig.counters.take([rule('late', one.limit, 0)])).standings[0]?.remaining).toBe(6)
    })

    it('counts a shadow, and is never refused by it', async () => {
      const real = rule('real', slow(5))
      const shade = shadow('shade', slow(2))
      for (let call = 0; call < 3; call++) {
        const { allowed, standings } = await rig.counters.take([real, shade])
        expect(allowed).toBe(true)
        expect((standings[1]?.retryAfterMs ?? 0) > 0).toBe(call === 2)
      }
      const { standings } = await rig.counters.take([real, shade])
      expect(standings.map(({ remaining }) => remaining)).toEqual([1, 0])
    })

    it('is well', () => {
      expect(rig.counters.health().state).toBe('ok')
    })
  })
}
