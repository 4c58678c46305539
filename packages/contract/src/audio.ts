import { type TSchema, Type } from 'typebox'
import { ModelNameSchema, nullable, UserSchema } from './inference.ts'

const optional = (schema: TSchema) => Type.Optional(nullable(schema))
const word = (description: string) => optional(Type.String({ maxLength: 64, pattern: '^[\\w.:-]+$', description }))

/** Body of `POST /v1/audio/speech`; for the reference, `gateway/media-wire.ts` reads it. */
export const SpeechRequestSchema = Type.Object(
  {
    model: ModelNameSchema,
    input: Type.String({ minLength: 1, description: 'What shall be spoken; not blank.' }),
    voice: Type.Optional(Type.String({ description: 'A voice of the model.' })),
    response_format: word('`mp3`, `opus`, `aac`, `flac`, `wav` or `pcm`.'),
    stream_format: word('`audio` for bytes as they come, `sse` for events.'),
    user: UserSchema,
    store: Type.Optional(
      Type.Union([Type.Enum(['asset']), Type.Null()], {
        description: 'What is made is kept as an asset, as with `x-headgate-store`; no provider sees it.',
      }),
    ),
  },
  { title: 'SpeechRequest', examples: [{ model: 'demo', input: 'Welcome.', voice: 'alloy', response_format: 'wav' }] },
)

/** The sound, as it comes. */
export const SpeechSchema = Type.String({ format: 'binary', title: 'Speech' })

/** An event of streamed speech. */
export const SpeechEventSchema = Type.Object(
  {
    type: Type.String({ description: '`speech.audio.delta` or, as the last, `speech.audio.done`.' }),
    audio: Type.Optional(Type.String({ description: 'A piece of the file in base64.' })),
  },
  { title: 'SpeechEvent' },
)

const listening = {
  model: ModelNameSchema,
  file: Type.String({ format: 'binary', description: 'The recording.' }),
  prompt: optional(Type.String({ description: 'Words that set the style.' })),
  response_format: word('`json`, `text`, `srt`, `verbose_json` or `vtt`.'),
}

/** Form of `POST /v1/audio/transcriptions`. */
export const TranscriptionRequestSchema = Type.Object(
  {
    ...listening,
    language: optional(Type.String({ description: 'ISO 639-1.' })),
    stream: optional(Type.Boolean({ description: 'The text as events, of models that have them.' })),
  },
  { title: 'TranscriptionRequest' },
)

/** Form of `POST /v1/audio/translations`. */
export const TranslationRequestSchema = Type.Object(listening, { title: 'TranslationRequest' })

/** What was said. With `text`, `srt` and `vtt` the answer is that text itself. */
export const TranscriptSchema = Type.Object(
  { text: Type.String(), duration: Type.Optional(Type.Union([Type.Number(), Type.String()])) },
  { title: 'Transcript', examples: [{ text: 'Welcome.' }] },
)

/** An event of a streamed transcript. */
export const TranscriptEventSchema = Type.Object(
  {
    type: Type.String({ description: '`transcript.text.delta` or, as the last, `transcript.text.done`.' }),
    delta: Type.Optional(Type.String()),
    text: Type.Optional(Type.String()),
  },
  { title: 'TranscriptEvent' },
)
