import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { modeOfBody } from '../domain/call-template.ts'
import { parseTemplate, TemplateFault, type TemplateMode } from './template.ts'

const known = new Set(['prompt', 'size', 'list'])
const fill = (text: string, mode: TemplateMode, values: Record<string, unknown>) =>
  parseTemplate(text, mode, known).fill(values)

describe('a template', () => {
  it('in JSON takes any text at any place, and stays what it was written as', () => {
    const template = parseTemplate('{"a": {prompt}, "b": "say \\"{prompt}\\" {size}", "c": [{list}]}', 'json', known)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (prompt, list) => {
        const filled = JSON.parse(template.fill({ prompt, list, size: 3 })) as Record<string, unknown>
        expect(Object.keys(filled)).toEqual(['a', 'b', 'c'])
        expect(filled['a']).toBe(prompt)
        expect(filled['b']).toBe(`say "${prompt}" 3`)
        expect(JSON.stringify(filled['c'])).toBe(JSON.stringify([list]))
      }),
      { seed: 11, numRuns: 200 },
    )
  })

  it('in XML takes any text as text', () => {
    expect(fill('<speak a="{prompt}">{prompt}</speak>', 'xml', { prompt: `</speak>&amp;"'\u0000\ud800<b` })).toBe(
      '<speak a="&lt;/speak&gt;&amp;amp;&quot;&#39; \ufffd&lt;b">&lt;/speak&gt;&amp;amp;&quot;&#39; \ufffd&lt;b</speak>',
    )
  })

  it('is written as its content type says', () => {
    const modes = {
      ...{
        'application/json': 'json',
        'application/problem+json': 'json',
        'text/json': 'json',
        'application/x-ndjson': 'json',
      },
      ...{ 'application/ssml+xml': 'xml', 'text/xml; charset=utf-8': 'xml', 'text/html': 'xml' },
      ...{ 'application/x-www-form-urlencoded': 'url', 'text/plain': 'text' },
    }
    for (const [type, mode] of Object.entries(modes)) expect(modeOfBody(type), type).toBe(mode)
  })

  it('in an address keeps a value in its place', () => {
    expect(fill('/draw/{prompt}?w={size}&q={list}', 'url', { prompt: 'a/b?c#d&e=ü', size: 5 })).toBe(
      '/draw/a%2Fb%3Fc%23d%26e%3D%C3%BC?w=5&q=',
    )
    expect(fill('{prompt}', 'url', { prompt: '\ud800' })).toBe('%EF%BF%BD')
  })

  it.each([
    ['{"a": {nothing}}', 'is not known'],
    ['{"a": {prompt}', 'is no JSON'],
    ['{"a" {prompt}}', 'is no JSON'],
  ])('is refused as %s', (text, problem) => {
    expect(() => parseTemplate(text, 'json', known)).toThrow(TemplateFault)
    expect(() => parseTemplate(text, 'json', known)).toThrow(problem)
  })
})
