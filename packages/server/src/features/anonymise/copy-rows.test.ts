import { expect, it } from 'vitest'
import { copyItems } from './copy-rows.ts'

const kindsOf = async (text: string): Promise<readonly string[]> => {
  const kinds: string[] = []
  const chunks = async function* () {
    yield text
  }
  for await (const { kind } of copyItems(chunks())) kinds.push(kind)
  return kinds
}
const rows = 'COPY people (id) FROM stdin;\n1\n\\.\n'

it.each([
  `COMMENT ON TABLE people IS 'it''s $$';\n${rows}`,
  `-- don't\n${rows}`,
  `SELECT E'\\'', 'a\\', "a""'", a$b, a$b$c; /* ' /* */ ' */\n${rows}`,
  `CREATE FUNCTION f() AS $a$ it's $$ $b$ $a$; SELECT $1$2;\n${rows}`,
  `\\connect "it's"\n${rows}`,
])('finds rows behind whatever is quoted: %j', async (text) => {
  expect(await kindsOf(text)).toEqual(['raw', 'table', 'row', 'end'])
})

it.each([
  ["COMMENT ON TABLE people IS 'costs $$';\nINSERT INTO people VALUES (1);\n", /Line 2: inserts rows by INSERT/],
  [`SELECT 1;\nSELECT 'never\nended;\n${rows}`, /Line 4: begins rows within a string.* in line 2/],
  ['SELECT 1;\nDO $do$ BEGIN\nEND $$;\n', /Line 2: begins a string, a comment or a body that never ends/],
])('refuses what could pass rows by: %j', async (text, problem) => {
  await expect(kindsOf(text)).rejects.toThrow(
    expect.objectContaining({ code: 'anonymise_input_invalid', message: expect.stringMatching(problem) }),
  )
})
