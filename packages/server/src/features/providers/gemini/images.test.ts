import { describe, expect, it } from 'vitest'
import { ProviderFault } from '../provider.ts'
import { joinPictures, translatePictures } from './images.ts'

const translate = (more: Record<string, unknown> = {}) => {
  const { body, ...rest } = translatePictures(Buffer.from(JSON.stringify({ model: 'm', prompt: 'a hill', ...more })))
  return { ...rest, body: JSON.parse(body.toString()) as { generationConfig: Record<string, unknown> } }
}

/** In the shape of answers recorded in github.com/vercel/ai, packages/google/src/__fixtures__/google-image-*.json; the bytes are ours. */
const drawn = {
  candidates: [
    {
      content: {
        parts: [{ inlineData: { mimeType: 'image/jpeg', data: 'AAAA' }, thoughtSignature: 'x' }],
        role: 'model',
      },
      finishReason: 'STOP',
      index: 0,
    },
  ],
  usageMetadata: {
    promptTokenCount: 10,
    candidatesTokenCount: 1392,
    candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1120 }],
  },
}
const none = { candidates: [{ content: {}, finishReason: 'NO_IMAGE', index: 0 }] }
const blocked = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }
const unsafe = { candidates: [{ content: {}, finishReason: 'IMAGE_SAFETY', index: 0 }] }
const failed = { upstreamStatus: 504, retry: 'elsewhere' } as const
const json = (value: object) => Buffer.from(JSON.stringify(value))

describe('pictures of Gemini', () => {
  it('are asked for as such, in the shape of their size', () => {
    expect(translate({ size: '1024x1536', n: 2, seed: 7, quality: 'auto', response_format: 'b64_json' })).toEqual({
      body: {
        contents: [{ role: 'user', parts: [{ text: 'a hill' }] }],
        generationConfig: { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '2:3' }, seed: 7 },
      },
      warning: null,
      count: 2,
    })
    expect(translate({ size: '1792x1024', quality: 'hd' })).toMatchObject({
      body: { generationConfig: { responseModalities: ['IMAGE'] } },
      warning: 'not carried over: quality size',
    })
    for (const more of [{ stream: true }, { size: '7x9', strict: true }])
      expect(() => translate(more)).toThrow(expect.objectContaining({ code: 'unsupported_parameter' }))
  })

  it('are counted together, with their tokens', () => {
    const { body, media } = joinPictures([json(drawn), json(drawn)], 5)
    expect(JSON.parse(body.toString())).toMatchObject({
      created: 5,
      data: [{ b64_json: 'AAAA' }, { b64_json: 'AAAA' }],
    })
    expect(media).toMatchObject({
      images: 2,
      tokens: { input: 20, output: 2_784, mediaOutput: 2_240 },
    })
  })

  it.each([
    [none, 'upstream_error'],
    [blocked, 'upstream_content_refused'],
    [unsafe, 'upstream_content_refused'],
    [{}, 'upstream_malformed'],
  ])('that were not made: %j', (answer, code) => {
    expect(() => joinPictures([json(answer), json(answer)], 5)).toThrow(expect.objectContaining({ code }))
    // What was made was paid for: it is shown, and counted.
    const { body, media, warning } = joinPictures(
      [json(answer), json(drawn), new ProviderFault('upstream_timeout', failed)],
      5,
    )
    expect(JSON.parse(body.toString())).toMatchObject({ data: [{ b64_json: 'AAAA' }] })
    expect(media).toMatchObject({ images: 1 })
    expect(warning).toBe(`2 of 3 pictures were not made: ${code} upstream_timeout`)
  })
})
