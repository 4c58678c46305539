import { Type } from 'typebox'
import { count, group, milliseconds } from './schema-parts.ts'

/** What is signed of what models make. */
export const ProvenanceSchema = group(
  {
    sign: Type.Array(Type.Enum(['images', 'audio', 'text']), {
      default: [],
      description:
        'What gets a signed C2PA manifest and the IPTC mark of a trained model: `images` (PNG, JPEG and WebP that come as base64), `audio` (speech as WAV or MP3, which then comes whole). With `text` answers in text say in `x-headgate-origin` that a model wrote them.',
    }),
    on_failure: Type.Enum(['pass', 'fail'], {
      default: 'pass',
      description: 'What happens to what could not be signed: it leaves unsigned and says so, or the call fails.',
    }),
    max_waiting: count('Most answers that wait to be signed or verified; more are not signed.', 64),
    sign_ms: milliseconds('Longest that one answer may take to be signed or verified.', 10_000),
    certificate: Type.Optional(
      Type.String({
        minLength: 1,
        'x-path': true,
        'x-check': 'file',
        description:
          'Own certificate that signs, PEM, with those between it and its root behind it, and the root last where `/v1/verify` shall trust it by that; absent: one is made.',
      }),
    ),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        'x-path': true,
        'x-check': 'file',
        description: 'Private key of `provenance.certificate`, PEM: ECDSA over P-256.',
      }),
    ),
    invisible_mark: Type.Boolean({
      default: false,
      description:
        'Whether pictures (PNG, JPEG and WebP that come as base64, from 256 by 256 pixels) get a mark in their pixels that names their request and outlives new sizes and formats. Needs `sharp`. `POST /v1/verify` finds it, also later.',
    }),
    record: Type.Array(Type.Enum(['images', 'audio', 'text']), {
      default: [],
      description:
        'Of which outputs the origin is recorded: digest, model, provider, time and request, never the output. `POST /v1/verify` finds them.',
    }),
    record_days: Type.Integer({
      minimum: 1,
      maximum: 36_500,
      default: 365,
      description: 'Days that records of origins are kept.',
    }),
    max_file_bytes: count('Largest form with a file to be verified.', 52_428_800),
  },
  'Where content came from: signatures, and how they are checked.',
)

const term = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }))

/** What is said of the terms of a model. */
export const modelTerms = {
  licence: term(
    'Licence of the model, such as `Apache-2.0`, for `licences` and manifests; absent: what the registry of models says.',
  ),
  attribution: term(
    'Whom to name for what it makes: stands in `x-headgate-attribution` and in manifests; absent: what the registry of models says.',
  ),
}
