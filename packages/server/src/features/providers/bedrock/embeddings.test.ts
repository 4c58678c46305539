import { describe, expect, it } from 'vitest'
import { requestOf } from '../__fixtures__/setting.ts'
import { translateVectors } from './embeddings.ts'

const translate = (model: string, body: Record<string, unknown>) => {
  const { bodies, ...rest } = translateVectors(
    requestOf(JSON.stringify({ model: `any/${model}`, ...body })).body,
    model,
  )
  return { ...rest, bodies: bodies.map((one) => JSON.parse(one.toString()) as unknown) }
}
const json = (value: object) => Buffer.from(JSON.stringify(value))

describe('embeddings by InvokeModel', () => {
  it('of Titan: a call for each text, whose tokens are summed', () => {
    const { bodies, warning, join } = translate('eu.amazon.titan-embed-text-v2:0', {
      input: ['one', 'two'],
      dimensions: 256,
      user: 'me',
    })
    expect(bodies).toEqual([
      { inputText: 'one', dimensions: 256 },
      { inputText: 'two', dimensions: 256 },
    ])
    expect(warning).toBe('not carried over: user')
    const { body, tokens } = join([1, 2].map((n) => json({ embedding: [n, 0.5], inputTextTokenCount: n })))
    expect(tokens).toBe(3)
    expect(JSON.parse(body.toString())).toMatchObject({
      data: [
        { index: 0, embedding: [1, 0.5] },
        { index: 1, embedding: [2, 0.5] },
      ],
      usage: { prompt_tokens: 3 },
    })
  })

  it('of Cohere: 96 texts to a call, nothing counted', () => {
    const input = Array.from({ length: 100 }, (_, n) => `text ${n}`)
    const { bodies, warning, join } = translate('cohere.embed-multilingual-v3', { input, dimensions: 5 })
    expect(bodies).toMatchObject([{ input_type: 'search_document' }, { texts: input.slice(96) }])
    expect(warning).toBe('not carried over: dimensions')
    const answers = [input.slice(0, 96), input.slice(96)].map((texts) => json({ embeddings: texts.map(() => [0.5]) }))
    expect(join(answers).tokens).toBeNull()
    expect(JSON.parse(join(answers).body.toString()).data).toHaveLength(100)
    // A vector too few would be another text's.
    expect(() => join([answers[0] as Buffer])).toThrow(expect.objectContaining({ code: 'upstream_malformed' }))
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['amazon.nova-pro-v1:0', { input: 'one' }, 'operation_not_supported'],
    ['amazon.titan-embed-text-v1', { input: [[1, 2]] }, 'unsupported_parameter'],
    ['amazon.titan-embed-text-v1', { input: 'one', dimensions: 5, strict: true }, 'unsupported_parameter'],
    ['amazon.titan-embed-text-v2:0', { input: 'one', encoding_format: 'odd' }, 'invalid_parameter'],
  ])('of %s, %j is refused', (model, body, code) => {
    expect(() => translate(model, body)).toThrow(expect.objectContaining({ code }))
  })
})
