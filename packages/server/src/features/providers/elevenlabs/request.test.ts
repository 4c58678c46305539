import { describe, expect, it } from 'vitest'
import { speechRequest } from '../__fixtures__/speech.ts'
import { elevenLabsFault } from './faults.ts'
import { translateSpeech } from './request.ts'

const voices = { alloy: '21m00Tcm4TlvDq8ikWAM' }
const translate = (more: Record<string, unknown> = {}) => {
  const { path, body, warning } = translateSpeech(
    speechRequest('eleven_flash_v2_5', { voice: 'alloy', ...more }).body,
    'eleven_flash_v2_5',
    voices,
  )
  return { path, body: JSON.parse(body.toString()) as Record<string, unknown>, warning }
}

describe('a speech request in the words of ElevenLabs', () => {
  it('names voice, model and format where they belong', () => {
    expect(translate()).toEqual({
      path: '/text-to-speech/21m00Tcm4TlvDq8ikWAM/stream?output_format=mp3_44100_128',
      body: { text: 'Say something about the sea, and take your time with it.', model_id: 'eleven_flash_v2_5' },
      warning: null,
    })
    expect(translate({ voice: { id: 'JBFqnCBsd6RMkjVDRZzb' }, response_format: 'pcm' }).path).toBe(
      '/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream?output_format=pcm_24000',
    )
  })

  it('carries speed and what is its own, and names what is lost', () => {
    const { body, warning } = translate({
      speed: 1.1,
      voice_settings: { stability: 0.5 },
      language_code: 'de',
      instructions: 'Whisper.',
      made_up: 1,
    })
    expect(body).toMatchObject({ voice_settings: { stability: 0.5, speed: 1.1 }, language_code: 'de' })
    expect(body).not.toHaveProperty('instructions')
    expect(warning).toBe('not carried over: instructions made_up')
  })

  it.each<[Record<string, unknown>, string]>([
    [{ voice: 'nova' }, 'invalid_parameter'],
    [{ voice: '../../v1/user' }, 'invalid_parameter'],
    [{ voice: '__proto__' }, 'invalid_parameter'],
    [{ response_format: 'flac' }, 'unsupported_parameter'],
    [{ stream_format: 'sse' }, 'unsupported_parameter'],
    [{ instructions: 'Whisper.', strict: true }, 'unsupported_parameter'],
  ])('refuses %j', (more, code) => {
    expect(() => translate(more)).toThrow(expect.objectContaining({ code }))
  })
})

/** Bodies constructed from help.elevenlabs.io/hc/en-us/articles/19572237925521-API-Error-Code-400-or-401, read on 2026-11-27. */
const bodies = {
  voice: { detail: { status: 'voice_not_found', message: 'A voice with this id was not found.' } },
  quota: { detail: { status: 'quota_exceeded', message: 'This request exceeds your quota.' } },
  key: { detail: { status: 'invalid_api_key', message: 'Invalid API key' } },
  // In the shape of FastAPI's validation errors, which the API reference gives for 422.
  field: { detail: [{ loc: ['body', 'text'], msg: 'field required', type: 'value_error.missing' }] },
}

it.each([
  [400, bodies.voice, 'upstream_invalid_request', 'never'],
  [401, bodies.quota, 'provider_quota_exhausted', 'never'],
  [401, bodies.key, 'provider_auth_failed', 'elsewhere'],
  [422, bodies.field, 'upstream_invalid_request', 'never'],
  [429, undefined, 'upstream_rate_limited', 'anywhere'],
] as const)('a fault of ElevenLabs: %i %j', (status, body, code, retry) => {
  expect(elevenLabsFault(status, body, undefined, [])).toMatchObject({ code, retry })
})
