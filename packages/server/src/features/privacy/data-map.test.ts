import { expect, it } from 'vitest'
import { dataMapProblems, type TableMap } from './data-map.ts'

const notes: TableMap = {
  activity: 'conversations',
  purpose: 'Notes of people.',
  kept: 'a day',
  personColumn: 'subject',
  erasure: 'delete',
  columns: { person: ['subject'], content: ['sealed'], technical: ['id'] },
}
const present = ['id', 'subject', 'sealed'].map((column) => ({ table: 'notes', column }))
const problems = (entry: Partial<TableMap>, columns = present) =>
  dataMapProblems({ notes: { ...notes, ...entry } }, columns)

it('a map in which every column has its place has no problems', () => {
  expect(dataMapProblems({ notes }, present)).toEqual([])
})

it('tells of every column and table that is not classified, or classified and not there', () => {
  const added = [...present, { table: 'notes', column: 'mood' }, { table: 'diaries', column: 'id' }]
  expect(dataMapProblems({ notes }, added)).toEqual(['notes.mood is not classified', 'diaries is not in the data map'])
  expect(problems({}, present.slice(1))).toEqual(['notes.id does not exist'])
  expect(dataMapProblems({ notes }, [])).toEqual(['notes does not exist'])
  expect(dataMapProblems({}, [{ table: 'constructor', column: 'id' }])).toEqual(['constructor is not in the data map'])
  expect(problems({ columns: { ...notes.columns, usage: ['id'] } })).toEqual(['notes.id is classified twice'])
})

it('asks how people are found and erased wherever columns tell of them', () => {
  const silent = 'notes tells of people: say how a person’s rows are found and erased, or why not'
  expect(problems({ personColumn: null })).toEqual(['notes is erased by a person and has no column for one', silent])
  expect(problems({ personColumn: null, erasure: 'stays' })).toEqual([silent])
  expect(problems({ erasure: 'stays' })).toEqual([silent])
  expect(problems({ erasure: 'stays', because: 'It proves something.' })).toEqual([])
  expect(problems({ personColumn: 'id' })).toEqual(['notes.id finds people and is not of kind person'])
})
