import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readInferenceRequest, withOutputCap } from './openai-wire.ts'

const read = (members: string) => readInferenceRequest('chat', Buffer.from(`{${members}}`))
const base = '"model":"m","messages":[{"role":"user","content":"x"}]'

describe('an output cap', () => {
  it('stands once, says what it must, and leaves everything else as it was', () => {
    const member = fc.constantFrom('max_tokens', 'max_completion_tokens')
    const others = fc.uniqueArray(
      fc.constantFrom(
        '"temperature" : 1',
        '"user":"é"',
        '"n":2',
        '"max_tokens": null',
        '"max_tokens":900000',
        '"max_completion_tokens" :7',
        '"max_completion_tokens":null\n',
      ),
      {
        selector: (text) => text.split(':')[0]?.trim(),
      },
    )
    fc.assert(
      fc.property(fc.nat(6), others, member, fc.integer({ min: 1, max: 9_999_999 }), (at, parts, name, cap) => {
        const members = [...parts.slice(0, at), base, ...parts.slice(at)].join(' , ')
        const request = read(members)
        const capped = withOutputCap(request, name, cap)
        const text = capped.body.toString()
        expect(text.split(`"${name}"`)).toHaveLength(2)
        expect(JSON.parse(text)).toEqual({ ...(JSON.parse(`{${members}}`) as object), [name]: cap })
        expect(capped.maxOutputTokens).toBe(cap)
        const again = readInferenceRequest('chat', capped.body)
        expect(Object.fromEntries(capped.members)).toEqual(Object.fromEntries(again.members))
        expect(request.body.toString()).toBe(`{${members}}`)
      }),
      { numRuns: 500, seed: 1 },
    )
  })

  it('counts as the larger where a provider could heed either name', () => {
    expect(read(`${base},"max_tokens":9,"max_completion_tokens":2`).maxOutputTokens).toBe(9)
    expect(read(`${base},"max_tokens":2,"max_completion_tokens":9`).maxOutputTokens).toBe(9)
    expect(read(`${base},"max_tokens":null,"max_completion_tokens":9`).maxOutputTokens).toBe(9)
    expect(read(`${base},"max_tokens":9,"max_completion_tokens":null`).maxOutputTokens).toBe(9)
    expect(read(base).maxOutputTokens).toBeNull()
  })
})
