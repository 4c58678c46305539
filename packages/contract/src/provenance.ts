import { type Static, Type } from 'typebox'

/** Form of `POST /v1/verify`. */
export const VerifyRequestSchema = Type.Object(
  { file: Type.String({ format: 'binary', description: 'PNG, JPEG, WebP, WAV or MP3.' }) },
  { title: 'VerifyRequest' },
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
  },
  {
    title: 'Verification',
    examples: [{ object: 'verification', verdict: 'unknown', format: 'image/png', failures: [], manifest: null }],
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
  },
  { title: 'ProvenanceRoot' },
)
