import type { InferenceRequest } from '../../../domain/inference.ts'
import { outlineJson } from '../../../kernel/json.ts'

const words = 'Say something about the sea, and take your time with it.'

/** A request for speech as the gateway would read it. */
export const speechRequest = (model: string, more: Record<string, unknown> = {}): InferenceRequest => {
  const fields: Record<string, unknown> = { model: `any/${model}`, input: words, ...more }
  const body = Buffer.from(JSON.stringify(fields))
  const format = fields['response_format']
  return {
    operation: 'speech',
    model: `any/${model}`,
    stream: fields['stream_format'] === 'sse',
    includeUsage: false,
    maxOutputTokens: null,
    choices: 1,
    inputTokensBound: body.length,
    hasFiles: false,
    user: null,
    body,
    members: outlineJson(body).members,
    media: {
      images: 0,
      size: null,
      quality: null,
      characters: words.length,
      audioMsBound: 20_000,
      audioMs: null,
      outputTokensBound: 500,
      inputTokensEstimate: 14,
      format: typeof format === 'string' ? format : null,
      contentType: null,
    },
  }
}
