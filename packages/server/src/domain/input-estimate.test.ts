import { describe, expect, it } from 'vitest'
import type { InferenceRequest } from './inference.ts'
import { attachmentTokens, estimateInput, imageTokens } from './input-estimate.ts'

const requestOf = (body: string, inputTokensBound = 1_000_000): InferenceRequest => ({
  operation: 'chat',
  model: 'm',
  stream: false,
  includeUsage: false,
  maxOutputTokens: null,
  choices: 1,
  inputTokensBound,
  hasFiles: false,
  user: null,
  body: Buffer.from(body),
  members: new Map(),
})
const chat = (...content: unknown[]) => JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] })
const payload = Buffer.alloc(3_000_000, 'attachment').toString('base64')
const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${payload}` } }
const linked = { type: 'image_url', image_url: { url: 'https://example.org/cat.png' } }
const audio = { type: 'input_audio', input_audio: { format: 'wav', data: payload } }
const file = { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${payload}` } }
const text = (of: string) => ({ type: 'text', text: of })

describe('the estimate of an input', () => {
  it('is a token per four bytes of what has no attachments, within the bound', () => {
    const body = chat(text('Hello there'))
    expect(estimateInput(requestOf(body))).toBe(Math.ceil(body.length / 4))
    expect(estimateInput(requestOf(body, 5))).toBe(5)
  })

  it.each([
    ['an image', [image], imageTokens],
    ['an image elsewhere', [linked], imageTokens],
    ['two images and a text', [image, text('and'), image], 2 * imageTokens],
    ['audio', [audio], attachmentTokens],
    ['a file', [file], attachmentTokens],
    ['all of them', [audio, image, file, linked, audio], 2 * imageTokens + 3 * attachmentTokens],
  ])('counts a fixed number for %s', (_name, content, tokens) => {
    const bodies = [chat(...content), JSON.stringify(JSON.parse(chat(...content)), null, 2)]
    for (const body of bodies) {
      const rest = Math.ceil(body.replaceAll(payload, '').length / 4)
      const estimate = estimateInput(requestOf(body))
      expect(estimate).toBeGreaterThanOrEqual(rest + tokens)
      // Every stretch between attachments is rounded up on its own.
      expect(estimate).toBeLessThanOrEqual(rest + tokens + content.length)
    }
  })

  it.each([
    ['prose behind the mark of a payload', text(`data:text/plain;base64,${'word '.repeat(1_000)}`)],
    ['a data URL inside a text', text(`Look: data:image/png;base64,${payload.slice(0, 4_000)}`)],
    ['a data URL quoted in a text', text(JSON.stringify(image).slice(0, 4_000))],
    ['the mark alone', text(';base64,')],
  ])('takes for text: %s', (_name, part) => {
    const body = chat(part)
    expect(estimateInput(requestOf(body))).toBe(Math.ceil(body.length / 4))
  })

  it.each([';base64,', ' \\"data:;base64,', '","data:;base64,A","type":"file","input_audio":"'])(
    'bears a body full of %s',
    (filler) => {
      const request = requestOf(`{"m":"${filler.repeat(16_000_000 / filler.length)}"}`)
      expect(estimateInput(request)).toBeGreaterThan(0)
    },
  )

  it('bears a body that breaks off', () => {
    const body = chat(image, audio)
    for (const end of [20, 80, 110, body.indexOf('input_audio') + 20, body.length - 10])
      expect(estimateInput(requestOf(body.slice(0, end)))).toBeGreaterThan(0)
  })
})
