import { type Static, Type } from 'typebox'

/** Form of `POST /v1/verify`. */
export const VerifyRequestSchema = Type.Object(
  {
    file: Type.Optional(
      Type.String({
        format: 'binary',
        description: 'PNG, JPEG, WebP, WAV or MP3; or anything else, such as a text, that may be recorded.',
      }),
    ),
    id: Type.Optional(
      Type.String({ maxLength: 128, description: 'The request that made it, as `x-headgate-origin` names it.' }),
    ),
  },
  { title: 'VerifyRequest' },
)

/** An output that was recorded as it left. */
const OriginSchema = Type.Object(
  {
    id: Type.String({ description: 'The request that made it.' }),
    kind: Type.Enum(['text', 'image', 'audio']),
    sha256: Type.String({ description: 'Digest of the file as it left, or of the text; hexadecimal.' }),
    model: Type.String({ description: 'As the provider names it.' }),
    provider: Type.String(),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'Origin' },
)

/** What stands in the pixels of a picture. */
const InvisibleMarkSchema = Type.Object(
  {
    found: Type.Boolean({ description: 'Whether it carries a mark of this Headgate.' }),
    id: Type.Union([Type.String(), Type.Null()], {
      description:
        'The beginning of the id of the request that made it; its first ten characters behind `req_` are the time.',
      examples: ['req_01KG9V6V80Q3'],
    }),
    confidence: Type.Number({
      minimum: 0,
      maximum: 1,
      description:
        'Share of the mark’s 294 bits that were read right, about 0.75 and more where it is found; 0 where it is not.',
    }),
  },
  { title: 'InvisibleMark' },
)

/** What the verifier found. */
export const VerificationSchema = Type.Object(
  {
    object: Type.Literal('verification'),
    verdict: Type.Enum(['trusted', 'signed', 'tampered', 'unknown'], {
      description:
        '`trusted`: unchanged, and signed under a root of this Headgate; `signed`: unchanged, signed by somebody else; `tampered`: changed since it was signed; `unknown`: no manifest.',
    }),
    format: Type.Union([Type.String(), Type.Null()], {
      description: 'What the file is, by itself; null where such files carry no manifest here.',
    }),
    failures: Type.Array(Type.String(), { description: 'What failed, by the codes of C2PA.' }),
    manifest: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
      description: 'What the manifest says; whoever signed it answers for that.',
    }),
    invisible_mark: Type.Union([InvisibleMarkSchema, Type.Null()], {
      description:
        'The mark in the pixels of a PNG, JPEG or WebP, also without metadata; null where no picture could be searched.',
    }),
    origins: Type.Array(OriginSchema, {
      maxItems: 20,
      description: 'Outputs of this project that are recorded and are this file or of this request, the newest first.',
    }),
  },
  {
    title: 'Verification',
    examples: [
      {
        object: 'verification',
        verdict: 'unknown',
        format: 'image/png',
        failures: [],
        manifest: null,
        invisible_mark: { found: false, id: null, confidence: 0 },
        origins: [],
      },
    ],
  },
)
export type VerificationAnswer = Static<typeof VerificationSchema>

/** Certificates, PEM, the newest first. */
export const RootCertificatesSchema = Type.String({ title: 'RootCertificates' })

/** A root that was made. */
export const RootSchema = Type.Object(
  {
    object: Type.Literal('provenance_root'),
    version: Type.Integer({ minimum: 1 }),
    certificate: Type.String({ description: 'PEM.' }),
    created_at: Type.String({ format: 'date-time' }),
    revoked_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'Since when nothing is trusted that was signed under it.',
    }),
  },
  { title: 'ProvenanceRoot' },
)
export const RootPathSchema = Type.Object({
  version: Type.String({ pattern: '^[1-9]\\d{0,8}$', description: 'Version of the root.', examples: ['1'] }),
})
