import { describe, expect, it } from 'vitest'
import { isImagen, readPredictions, translatePrediction } from './imagen.ts'

const translate = (more: Record<string, unknown> = {}) => {
  const asked = Buffer.from(JSON.stringify({ model: 'm', prompt: 'a hill', ...more }))
  const { body, warning } = translatePrediction(asked, 'imagen-4.0-generate-001')
  return { body: JSON.parse(body.toString()) as object, warning }
}
/** Constructed from ai.google.dev/gemini-api/docs/imagen and Vertex AI’s reference of `predict`. */
const read = (answer: unknown) => readPredictions(Buffer.from(JSON.stringify(answer)), 5)
const drawn = { mimeType: 'image/png', bytesBase64Encoded: 'AAAA' }
const filtered = { raiFilteredReason: 'The prompt could not be submitted.' }

describe('pictures of Imagen', () => {
  it('are predicted, in the shape and size that were asked for', () => {
    expect(translate({ n: 2, size: '1536x2048', output_format: 'jpeg', quality: 'auto' })).toEqual({
      body: {
        instances: [{ prompt: 'a hill' }],
        parameters: {
          sampleCount: 2,
          includeRaiReason: true,
          aspectRatio: '3:4',
          sampleImageSize: '2K',
          outputOptions: { mimeType: 'image/jpeg' },
        },
      },
      warning: null,
    })
    expect(translate({ size: '1024x1536', seed: 7, output_format: 'webp' })).toEqual({
      body: { instances: [{ prompt: 'a hill' }], parameters: { sampleCount: 1, includeRaiReason: true } },
      warning: 'not carried over: seed size output_format',
    })
    for (const more of [{ stream: true }, { n: 5 }, { size: '7x9', strict: true }])
      expect(() => translate(more)).toThrow(expect.objectContaining({ code: 'unsupported_parameter' }))
    expect(['imagen-4.0-generate-001', 'models/imagen-3.0', 'veo-3', 'gemini-2.5-flash-image'].map(isImagen)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('come without those that were filtered, and are counted', () => {
    const { body, media } = read({ predictions: [drawn, filtered] })
    expect(JSON.parse(body.toString())).toEqual({ created: 5, data: [{ b64_json: 'AAAA' }] })
    expect(media).toMatchObject({ images: 1 })
  })

  it.each([
    [{ predictions: [filtered] }, 'upstream_content_refused'],
    [{}, 'upstream_error'],
    [null, 'upstream_malformed'],
  ])('that were not made: %j', (answer, code) => {
    expect(() => read(answer)).toThrow(expect.objectContaining({ code }))
  })
})
