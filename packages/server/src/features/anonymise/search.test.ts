import { describe, expect, it } from 'vitest'
import { maskHierarchy, widthHierarchy } from './hierarchy.ts'
import { type AlikeRows, findLevels, groupKey, type QuasiColumn } from './search.ts'

/** Numbers that are the same each time (mulberry32). */
const randomFrom = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

const columns: readonly QuasiColumn[] = [
  { name: 'age', hierarchy: widthHierarchy([5, 20]), lowest: 0, highest: 3 },
  { name: 'zip', hierarchy: maskHierarchy(3, '*', true), lowest: 0, highest: 3 },
  { name: 'sex', hierarchy: maskHierarchy(1, '*', true), lowest: 0, highest: 1 },
]

/** What the search has to find, by trying every combination in the plainest way. */
const byTrying = (rows: readonly AlikeRows[], k: number, most: number) => {
  const lossAt = (column: number, level: number) => {
    const general = (value: string) => columns[column]?.hierarchy.generalise(value, level) as string
    const counts = new Map<string, number>()
    const shared = new Map<string, number>()
    for (const { values, rows: count } of rows) {
      const value = values[column] as string
      counts.set(value, (counts.get(value) ?? 0) + count)
      shared.set(general(value), (shared.get(general(value)) ?? 0) + count)
    }
    return [...counts].reduce(
      (sum, [value, count]) => sum - count * Math.log2(count / (shared.get(general(value)) as number)),
      0,
    )
  }
  const all = rows.reduce((sum, { rows: count }) => sum + count, 0)
  const highest = [3, 3, 1].reduce((sum, level, column) => sum + lossAt(column, level), 0)
  let best = Number.POSITIVE_INFINITY
  for (let age = 0; age <= 3; age++)
    for (let zip = 0; zip <= 3; zip++)
      for (let sex = 0; sex <= 1; sex++) {
        const groups = new Map<string, number>()
        for (const { values, rows: count } of rows) {
          const key = groupKey(
            values.map(
              (value, column) => columns[column]?.hierarchy.generalise(value, [age, zip, sex][column] as number) ?? '',
            ),
          )
          groups.set(key, (groups.get(key) ?? 0) + count)
        }
        const gone = [...groups.values()].filter((size) => size < k).reduce((sum, size) => sum + size, 0)
        if (gone > most) continue
        const loss = [age, zip, sex].reduce((sum, level, column) => sum + lossAt(column, level), 0)
        best = Math.min(best, loss * (1 - gone / all) + highest * (gone / all))
      }
  return best
}

describe('the search for levels', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('finds what loses least, as trying everything does (seed %i)', (seed) => {
    const random = randomFrom(seed)
    const alike = new Map<string, AlikeRows & { rows: number }>()
    for (let row = 0; row < 120; row++) {
      const values = [
        String(18 + Math.floor(random() * 60)),
        String(100 + Math.floor(random() * 40)),
        random() < 0.5 ? 'f' : 'm',
      ]
      const key = groupKey(values)
      alike.set(key, { values, rows: (alike.get(key)?.rows ?? 0) + 1, sensitive: [] })
    }
    const rows = [...alike.values()]
    for (const [k, most] of [
      [2, 0],
      [5, 0],
      [5, 12],
      [10, 30],
      [121, 0],
    ] as const) {
      const found = findLevels(columns, rows, { k, models: [] }, most)
      const best = byTrying(rows, k, most)
      if (best === Number.POSITIVE_INFINITY) expect(found).toBeNull()
      else expect(found?.loss).toBeCloseTo(best, 6)
    }
  })
})
