import { expect, test } from 'vitest'
import { csvRecords, linesOf } from './delimited-text.ts'

const all = async <T>(given: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = []
  for await (const one of given) found.push(one)
  return found
}

const text = 'a,"b ""c"", d",\r\n\r\n"two\nlines",,x\n  \nlast,"",""""'
const records = [
  ['a', 'b "c", d', ''],
  ['two\nlines', '', 'x'],
  ['last', '', '"'],
]

test('records are the same wherever the text is cut', async () => {
  // The first piece tells the delimiter, so that it holds the whole first line as a read of a file does.
  for (let cut = text.indexOf('\n'); cut < text.length; cut++) {
    const pieces = (async function* () {
      yield text.slice(0, cut)
      yield text.slice(cut)
    })()
    expect(await all(csvRecords(pieces)), `cut at ${cut}`).toEqual(records)
  }
})

test('lines are whole wherever the text is cut, blank ones left out', async () => {
  const pieces = (async function* () {
    yield '{"a'
    yield '":1}\n\n{"b":2}\n'
    yield '{"c":3}'
  })()
  expect(await all(linesOf(pieces))).toEqual(['{"a":1}', '{"b":2}', '{"c":3}'])
})
