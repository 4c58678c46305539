import { expect, it } from 'vitest'
import { exportPlan, exportProblems } from './export-plan.ts'
import { dataMap } from './map/map.ts'

it('every table that tells of people is exported, or kept back for a reason', () => {
  expect(exportProblems(dataMap)).toEqual([])
  expect(exportProblems({ ...dataMap, diaries: { ...dataMap['files'], personColumn: null } as never })).toEqual([
    'diaries tells of people: say how it is exported, or why not',
  ])
})

it('what proves who asks is not given out', () => {
  const columns = exportPlan(dataMap).flatMap((entry) => entry.columns)
  expect(columns).not.toContain('project_id')
  const secrets = Object.values(dataMap).flatMap((entry) => entry.columns.secret ?? [])
  expect(columns.filter((name) => secrets.includes(name) && !['sealed'].includes(name))).toEqual([])
})
