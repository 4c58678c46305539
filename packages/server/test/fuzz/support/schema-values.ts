import fc from 'fast-check'
import { type ApiDocument, type Members, members } from './document.ts'

/** Strings that break careless code: controls, halves of characters, markup, commands, long ones. */
export const oddTexts = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\ud800',
    '\u202e',
    '\r\nx-injected: 1',
    "' OR 1=1 --",
    '<script>',
    '../../etc/passwd',
    '${7*7}',
    '%00',
    '__proto__',
    'constructor',
    'null',
    'NaN',
    '1e400',
    '0x10',
    '2026-02-30T00:00:00Z',
    '𝔘𝔫𝔦',
    'a'.repeat(70_000),
    '💥'.repeat(600),
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown

/** Values of every wrong kind. */
export const oddValues: fc.Arbitrary<unknown> = fc.oneof(
  oddTexts,
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    -0,
    2 ** 53,
    [],
    {},
    [null],
    [[]],
    nested(63),
    nested(70),
  ),
  fc.jsonValue({ maxDepth: 2 }),
)

const texts = (schema: Members): fc.Arbitrary<string> => {
  const { pattern, minLength = 0, maxLength = 60, format } = schema as Record<string, never>
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
  const length = { minLength: Number(minLength), maxLength: Math.min(Number(maxLength), 60) }
  if (pattern === undefined) return fc.string({ unit: 'grapheme', ...length })
  const expression = new RegExp(pattern as string)
  // A pattern that only shuts some characters out lets most texts through; of any other, texts are made.
  const lenient = expression.test('Ab 9~')
  const made = lenient ? fc.string({ unit: 'grapheme', ...length }) : fc.stringMatching(expression)
  return made.filter((text) => expression.test(text) && text.length >= length.minLength)
}

/** Values that satisfy a schema of the document; `known` gives those of members that mean something, by name. */
export const createValues = (document: ApiDocument, known: Readonly<Record<string, fc.Arbitrary<unknown>>>) => {
  const objects = (schema: Members): fc.Arbitrary<unknown> => {
    const needed = (schema['required'] ?? []) as string[]
    const parts = Object.entries(members(schema['properties'])).map(([name, inner]) => {
      const value = known[name] ?? values(inner)
      // One in three of those that may be absent.
      return fc
        .tuple(fc.nat(2), value)
        .map(([chance, chosen]) => (chance > 0 && !needed.includes(name) ? [] : [[name, chosen] as const]))
    })
    const made = fc.tuple(...parts).map((entries): unknown => Object.fromEntries(entries.flat()))
    const { examples } = schema
    if (!Array.isArray(examples)) return made
    const shown = fc.tuple(fc.constantFrom(...(examples as object[])), known['base_url'] ?? fc.constant(null))
    const adapted = shown.map(([example, url]) => ('base_url' in example ? { ...example, base_url: url } : example))
    return fc.oneof({ weight: 3, arbitrary: made }, { weight: 1, arbitrary: adapted })
  }
  const values = (given: unknown): fc.Arbitrary<unknown> => {
    const schema = document.resolve(given)
    if ('const' in schema) return fc.constant(schema['const'])
    if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
    if (Array.isArray(schema['anyOf'])) return fc.oneof(...schema['anyOf'].map(values))
    switch (schema['type']) {
      case 'string':
        return texts(schema)
      case 'integer':
        return fc.integer({
          min: Number(schema['minimum'] ?? -10),
          max: Math.min(Number(schema['maximum'] ?? 200), 2 ** 31 - 1),
        })
      case 'number':
        return fc.double({ min: Number(schema['minimum'] ?? -2), max: Number(schema['maximum'] ?? 2), noNaN: true })
      case 'boolean':
        return fc.boolean()
      case 'null':
        return fc.constant(null)
      case 'array': {
        const least = Number(schema['minItems'] ?? 0)
        const list = { minLength: least, maxLength: Math.max(least, 3) }
        return schema['uniqueItems']
          ? fc.uniqueArray(values(schema['items']), list)
          : fc.array(values(schema['items']), list)
      }
      case 'object':
        return objects(schema)
    }
    return fc.jsonValue({ maxDepth: 2 })
  }
  return values
}
