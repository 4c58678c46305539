import { expect, test } from 'vitest'
import type { TruthRow } from '../upstream/truth.ts'
import { disagreements, type Entry } from './books.ts'
import type { Seen } from './caller.ts'

const seen = { id: 'mine', status: 200, code: null, whole: true, broken: false } as Seen
const truth = { request_id: 'r', prompt_tokens: 5, produced_tokens: 9, terminal_sent: true } as TruthRow
const entry: Entry = {
  request_id: 'r',
  client_request_id: 'mine',
  key_id: 'k',
  outcome: 'complete',
  input_tokens: '5',
  output_tokens: '9',
  cost_nano: '23000',
}

test('books that agree have nothing to tell', () => {
  expect(disagreements([seen], [truth], [entry])).toEqual([])
})

test.each<[what: string, seen: Seen[], truth: TruthRow[], entries: Entry[]]>([
  ['a lost row', [seen], [truth], []],
  ['a doubled row', [seen], [truth], [entry, entry]],
  ['other tokens than were produced', [seen], [truth], [{ ...entry, output_tokens: '10' }]],
  ['an answered call that counts as killed', [seen], [truth], [{ ...entry, outcome: 'killed' }]],
  ['a row that the upstream knows nothing of', [], [], [entry]],
  ['a refusal that was charged', [{ ...seen, status: 429, whole: false }], [truth], [entry]],
])('%s is found', (_what, calls, rows, entries) => {
  expect(disagreements(calls, rows, entries)).not.toEqual([])
})
