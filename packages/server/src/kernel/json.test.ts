import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from './errors.ts'
import { outlineJson, parseJson, parseStorableJson } from './json.ts'
import { timed } from '../../test/support/timed.ts'

const outline = (text: string) => outlineJson(Buffer.from(text))
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (fault) {
    if (fault instanceof AppError) return fault.code
    throw fault
  }
  return 'none'
}

/** White space between all tokens, as RFC 8259 allows it. */
const spread = (value: unknown, gap: string): string => {
  if (Array.isArray(value)) return `[${gap}${value.map((item) => spread(item, gap)).join(`${gap},${gap}`)}${gap}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, item]) => `${JSON.stringify(name)}${gap}:${gap}${spread(item, gap)}`,
  )
  return `{${gap}${members.join(`${gap},${gap}`)}${gap}}`
}

describe('the outline of an object', () => {
  it('finds every top-level member where it stands', () => {
    const gap = fc.constantFrom('', ' ', '\n', '\t \r\n')
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 5 })),
        gap,
        (value, space) => {
          const bytes = Buffer.from(spread(value, space))
          const { members, duplicates } = outlineJson(bytes)
          expect(duplicates).toEqual([])
          expect([...members.keys()].sort()).toEqual(Object.keys(value).sort())
          for (const [name, { start, end }] of members) {
            expect(JSON.parse(bytes.toString('utf8', start, end))).toEqual(JSON.parse(JSON.stringify(value[name])))
          }
        },
      ),
      { numRuns: 500, seed: 1 },
    )
  })

  it('is never led astray by strings', () => {
    const awkward = fc.array(fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', 'x', 'é', '😀', '\n'), {
      maxLength: 120,
    })
    fc.assert(
      fc.property(awkward, awkward, (name, value) => {
        const text = JSON.stringify({ [name.join('')]: value.join(''), end: [value.join('')] })
        const { members } = outline(text)
        const span = members.get(name.join(''))
        expect(JSON.parse(text.length === 0 ? '' : Buffer.from(text).toString('utf8', span?.start, span?.end))).toBe(
          value.join(''),
        )
      }),
      { numRuns: 1_000, seed: 2 },
    )
  })

  it('names what stands twice by its meaning, not its spelling', () => {
    expect(outline('{"a":1,"\\u0061":2,"b":{"a":1,"a":1}}').duplicates).toEqual(['a'])
    expect(outline('{"\\u00e9":1,"é":2}').duplicates).toEqual(['é'])
    expect(outline('{"a":1,"A":2," a":3}').duplicates).toEqual([])
  })

  it('throws nothing but the faults it declares, whatever the bytes are', () => {
    const known = ['none', 'invalid_json', 'invalid_encoding', 'json_too_deep', 'invalid_parameter']
    const pieces = fc.array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'a', '1', '\\u', '\u0000', ' '))
    fc.assert(
      fc.property(pieces, (parts) => {
        expect(known).toContain(codeOf(() => outline(parts.join(''))))
        expect(known).toContain(codeOf(() => parseJson(Buffer.from(parts.join('')))))
      }),
      { numRuns: 2_000, seed: 3 },
    )
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(known).toContain(codeOf(() => outlineJson(Buffer.from(bytes))))
      }),
    )
  })

  it('ends at 64 levels, wherever they stand', () => {
    const nest = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels)
    expect(codeOf(() => outline(nest(64, '[', ']')))).toBe('none')
    expect(codeOf(() => outline(nest(65, '[', ']')))).toBe('json_too_deep')
    expect(codeOf(() => outline(`{"a":[],"b":${nest(63, '[', ']')}}`))).toBe('none')
    expect(codeOf(() => outline(`{"a":[],"b":${nest(64, '[', ']')}}`))).toBe('json_too_deep')
  })

  it('takes time in proportion to the text, also for strings made to slow it down', timed, () => {
    const time = (text: string): number => {
      const bytes = Buffer.from(text)
      const started = performance.now()
      codeOf(() => outlineJson(bytes))
      return performance.now() - started
    }
    for (const part of ['\\"', '\\\\', '"', '\\u0022', ',', ':', '[],', '{},', '"",', '\\\\\\"']) {
      time(`{"a":"${part.repeat(50_000)}"}`)
      expect(time(`{"a":"${part.repeat(500_000)}"}`), part).toBeLessThan(1_500)
      expect(time(`[${part.repeat(500_000)}]`), part).toBeLessThan(1_500)
    }
  })
})

describe('parsing', () => {
  it('says where the grammar breaks, and shows nothing of the text', () => {
    expect(() => parseJson(Buffer.from('{"secret":hunter2}'))).toThrow('"h" stands where it must not')
    expect(() => parseJson(Buffer.from('{"a" 1}'))).toThrow(/character 5\b/)
    expect(() => parseJson(Buffer.from('{"position 7": '))).toThrow('ends too early')
    expect(() => parseJson(Buffer.from('{"secret":hunter2}'))).not.toThrow(/hunter/)
    expect(() => parseJson(Buffer.alloc(0))).toThrow('The body is empty.')
  })

  it('for the store refuses half a character, in values and in names, however deep', () => {
    for (const text of ['"\\ud800"', '{"\\udc00":1}', '{"a":[{"b":"x\\uDBFFx"}]}', '"\\ude00\\ud83d"'])
      expect(codeOf(() => parseStorableJson(Buffer.from(text)))).toBe('invalid_encoding')
    for (const text of ['"\\ud83d\\ude00"', '"\\\\ud800"', '"😀"', '{"a":null}', '"\\u0000"'])
      expect(parseStorableJson(Buffer.from(text))).toEqual(JSON.parse(text))
  })
})
