import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ScriptError, parseScript, presets, requireMeaning, splitModel, vocabulary, withoutFaults } from './script.ts'

test('a model name carries the whole script', () => {
  expect(splitModel('gpt-4o-mini;delay=50;parts=20')).toEqual({ base: 'gpt-4o-mini', source: 'delay=50;parts=20' })
  expect(splitModel('gpt-4o-mini')).toEqual({ base: 'gpt-4o-mini', source: '' })
  expect(parseScript('delay=50;parts=20;cut-at-part=7;no-done')).toMatchObject({
    delay: 50,
    parts: 20,
    'cut-at-part': 7,
    'no-done': true,
    plain: false,
  })
})

test('only the shape of the answer leaves the fast path open', () => {
  expect(parseScript('').plain).toBe(true)
  expect(parseScript('parts=20;part-tokens=3').plain).toBe(true)
  expect(parseScript('parts=20;part-delay=3').plain).toBe(false)
})

test.each([
  ['prats=20', 'unknown script word "prats"'],
  ['parts', 'parts needs a whole number'],
  ['parts=-1', 'parts needs a whole number'],
  ['part-tokens=0', 'above 0'],
  ['no-done=yes', 'is a flag'],
  ['usage=none', 'usage is one of missing'],
  ['malformed=cr+odd', 'malformed is one of'],
  ['status=42', 'HTTP status'],
  ['status=500;body=%zz', 'percent-encoded'],
  ['retry-after=1', 'no effect without status'],
  ['cut=fin', 'no effect without'],
  ['constructor', 'unknown script word'],
  ['toString=1', 'unknown script word'],
])('%s is refused', (source, message) => {
  expect(() => parseScript(source)).toThrow(ScriptError)
  expect(() => parseScript(source)).toThrow(message)
})

test('values are verbatim, bodies percent-decoded', () => {
  expect(parseScript('status=429;retry-after=Wed, 21 Oct 2026 07:28:00 GMT')['retry-after']).toBe(
    'Wed, 21 Oct 2026 07:28:00 GMT',
  )
  expect(parseScript('status=500;body=a%3Bb=c')['body']).toBe('a;b=c')
  expect(parseScript('malformed=crlf+bom').malformed).toEqual(['crlf', 'bom'])
})

test('presets stand for scripts', () => {
  for (const [name, source] of Object.entries(presets)) {
    const { source: _, ...named } = parseScript(name)
    const { source: __, ...written } = parseScript(source)
    expect(named).toEqual(written)
  }
})

test('fail-first fails by itself, and leaves the pace when used up', () => {
  expect(parseScript('fail-first=2').status).toBe(500)
  expect(parseScript('fail-first=2;rst-before-headers').status).toBeUndefined()
  expect(withoutFaults(parseScript('fail-first=2;overloaded;parts=3;delay=5')).source).toBe('parts=3;delay=5')
  expect(withoutFaults(parseScript('fail-first=2;slow')).source).toBe('delay=1000;part-delay=100')
})

test('a word that means nothing for the answer is refused', () => {
  expect(() => requireMeaning(parseScript('cut-at-part=1'), 'json')).toThrow('only for streams')
  expect(() => requireMeaning(parseScript('size=10'), 'stream')).toThrow('only for answers without stream')
})

test('the guide explains every word and preset', () => {
  const guide = readFileSync(new URL('../../../docs/guides/scripted-upstream.md', import.meta.url), 'utf8')
  for (const name of [...Object.keys(vocabulary), ...Object.keys(presets)]) expect(guide).toContain(`\`${name}`)
})
