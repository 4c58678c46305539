import { describe, expect, it } from 'vitest'
import { content, createRig, done } from './__fixtures__/rig.ts'
import { countCharacters, leastTokens } from './least-tokens.ts'

/** Each is one token of o200k_base. */
const words = ' the of and to in is that because years should through would into long before most'.split(/(?= )/)

describe('characters of a JSON string literal', () => {
  it.each(['', 'plain', 'a "quoted" \\ line\n', 'Grüße, 世界', 'Привет'])('%j', (text) => {
    for (const literal of [
      JSON.stringify(text),
      JSON.stringify(text).replace(/[^ -~]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ]) {
      const bytes = Buffer.from(literal)
      expect(countCharacters(bytes, 1, bytes.length - 1), literal).toBe(text.length)
    }
  })
})

describe('the tokens marked for a call that may be killed', () => {
  const marked = (parts: readonly string[]) => {
    const rig = createRig()
    for (const part of parts) rig.push(content(part))
    return rig
  }

  it('are the parts where each is a token', () => {
    expect(marked(words).marks).toEqual(words.map((_, index) => index + 1))
    expect(marked(['Привет', ' мир', '\n\n', '世界', '"']).marks).toEqual([1, 2, 3, 4, 5])
  })

  it('are more than the parts, and no more than the tokens, where a part holds many', () => {
    const sentence = words.join('')
    const rig = marked([sentence, sentence, sentence])
    const tokens = rig.marks.at(-1) ?? 0
    expect(tokens).toBe(Math.floor((3 * sentence.length) / 8))
    expect(tokens).toBeGreaterThan((3 * words.length) / 3)
    expect(tokens).toBeLessThanOrEqual(3 * words.length)
    rig.push(done)
    expect(rig.end().outputParts).toBe(3)
  })

  it('never fall', () => {
    expect(leastTokens(0, 0)).toBe(0)
    expect(leastTokens(3, 23)).toBe(3)
    expect(leastTokens(3, 32)).toBe(4)
  })
})
