import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Drill } from './drill.ts'
import { addresses, addressSettings } from './drills/addresses.ts'
import { budget, budgetSettings } from './drills/budget.ts'
import { drain, drainSettings } from './drills/drain.ts'
import { limits } from './drills/limits.ts'
import { resume, resumeSettings } from './drills/resume.ts'
import { limitSettings } from './drills/limits-load.ts'
import { type House, startHouse } from './house.ts'
import { createReport } from './report.ts'

const scale = { seconds: 2, seed: 1, streams: 20, store: 'disk' } as const
/** What turns on how fast the machine is says nothing here. */
const timed = /used|most admitted|overdrawn|after$/

let house: House
beforeAll(async () => {
  house = await startHouse({
    backend: 'redis',
    replicas: 2,
    hasty: true,
    config: {
      ...addressSettings,
      ...drainSettings(scale),
      ...limitSettings(scale),
      models: {
        ...(budgetSettings()['models'] as object),
        ...(drainSettings(scale)['models'] as object),
        ...(resumeSettings(scale)['models'] as object),
      },
      limits: { ...(addressSettings['limits'] as object), ...(limitSettings(scale)['limits'] as object) },
    },
  })
})
afterAll(() => house.stop())

/** The figures that were missed, but for those of time, and how many were judged. */
const play = async (drill: Drill) => {
  const report = createReport()
  await drill.run(house, report, scale)
  const judged = report.lines().filter(({ figure, met }) => met !== null && !timed.test(figure))
  return { missed: judged.filter(({ met }) => !met), judged: judged.length }
}

it('the drills find two replicas sound, in small', async () => {
  expect(await play(limits)).toEqual({ missed: [], judged: 2 })
  expect(await play(addresses)).toEqual({ missed: [], judged: 14 })
  expect(await play(budget)).toEqual({ missed: [], judged: 7 })
  expect(await play(resume)).toEqual({ missed: [], judged: 4 })
  expect(await play(drain)).toEqual({ missed: [], judged: 4 })
}, 180_000)
