import { type Static, Type } from 'typebox'
import { pageSchema, ProjectPageQuerySchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const line = (most: number, description: string) =>
  Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description })
const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description })
const kind = Type.Enum(['access', 'portability', 'erasure'], {
  description: 'access, portability: an archive of what is held; erasure: it goes.',
})
const law = Type.Enum(['gdpr', 'ccpa'], { description: 'By whose times it has to be answered; absent: gdpr.' })

/** Body of `POST /v1/privacy/requests`. */
export const AskPrivacySelfSchema = Type.Object(
  { subject_request_type: kind, law: Type.Optional(law) },
  { ...closed, title: 'AskPrivacySelf', examples: [{ subject_request_type: 'access' }] },
)
export type AskPrivacySelf = Static<typeof AskPrivacySelfSchema>

/** Body of `POST /admin/v1/privacy/requests`: names are those of OpenDSR 2.0, as far as it has them. */
export const AskPrivacySchema = Type.Object(
  {
    project: line(256, 'The project whose person it is.'),
    subject_request_id: Type.Optional(line(64, 'How the asker calls this request.')),
    subject_request_type: kind,
    subject_identities: Type.Array(
      Type.Object(
        {
          identity_type: Type.Literal('controller_customer_id'),
          identity_format: Type.Literal('raw'),
          identity_value: line(256, 'The name under which the person’s calls were made.'),
        },
        { ...closed, title: 'PrivacyIdentity' },
      ),
      { minItems: 1, maxItems: 1 },
    ),
    law: Type.Optional(law),
    reason: Type.Optional(Type.String({ maxLength: 500, description: 'For the audit; name nobody in it.' })),
  },
  {
    ...closed,
    title: 'AskPrivacy',
    examples: [
      {
        project: 'default',
        subject_request_type: 'access',
        subject_identities: [
          { identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: 'user-42' },
        ],
      },
    ],
  },
)
export type AskPrivacy = Static<typeof AskPrivacySchema>

/** Body of `POST /admin/v1/privacy/requests/{privacy_request_id}/extend`. */
export const ExtendPrivacyRequestSchema = Type.Object(
  {
    reason: Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'Why; the person has to be told. For the audit.',
    }),
  },
  { ...closed, title: 'ExtendPrivacyRequest', examples: [{ reason: 'Its size' }] },
)
export type ExtendPrivacyRequest = Static<typeof ExtendPrivacyRequestSchema>

/** What a person asked for, and how far it is. */
export const PrivacyRequestSchema = Type.Object(
  {
    object: Type.Literal('privacy_request'),
    id: Type.String(),
    project: Type.String(),
    subject_request_id: Type.String({ description: 'How the asker calls it; the id where they do not.' }),
    subject_request_type: kind,
    law: Type.Enum(['gdpr', 'ccpa']),
    request_status: Type.Enum(['pending', 'in_progress', 'completed', 'cancelled', 'failed'], {
      description: 'cancelled: the person was erased meanwhile.',
    }),
    received_time: Type.String(),
    expected_completion_time: Type.String({ description: 'What the house promises: `privacy.target_days`.' }),
    confirm_time: nullable('When its receipt has to be confirmed (CCPA).'),
    due_time: Type.String({ description: 'When the law wants it answered.' }),
    extended: Type.Boolean(),
    is_overdue: Type.Boolean(),
    completed_time: nullable('When it was answered.'),
    erasure: nullable('The erasure that answers it.'),
    archive: Type.Union(
      [
        Type.Object(
          {
            bytes: Type.Integer({ minimum: 0 }),
            sha256: Type.String(),
            erased_time: Type.String({ description: 'When it goes: `privacy.archive_days`.' }),
          },
          { ...closed, title: 'PrivacyArchive' },
        ),
        Type.Null(),
      ],
      { description: 'The archive, while it is there.' },
    ),
  },
  {
    ...closed,
    title: 'PrivacyRequest',
    examples: [
      {
        object: 'privacy_request',
        id: 'dsr_01KG9V6V80Q3M5YJ8T2N4R7WXA',
        project: 'default',
        subject_request_id: 'dsr_01KG9V6V80Q3M5YJ8T2N4R7WXA',
        subject_request_type: 'access',
        law: 'gdpr',
        request_status: 'pending',
        received_time: '2026-01-31T09:15:00.000Z',
        expected_completion_time: '2026-02-07T09:15:00.000Z',
        confirm_time: null,
        due_time: '2026-02-28T09:15:00.000Z',
        extended: false,
        is_overdue: false,
        completed_time: null,
        erasure: null,
        archive: null,
      },
    ],
  },
)
export type PrivacyRequest = Static<typeof PrivacyRequestSchema>

const after = Type.Optional(
  Type.String({
    pattern: '^dsr_[0-9A-HJKMNP-TV-Z]{26}$',
    description: '`next_cursor` of the page before.',
    examples: ['dsr_01KG9V6V80Q3M5YJ8T2N4R7WXA'],
  }),
)
const { limit, project } = ProjectPageQuerySchema.properties

/** Query of `GET /v1/privacy/requests`. */
export const PrivacySelfPageQuerySchema = Type.Object({ limit, after }, closed)
/** Query of `GET /admin/v1/privacy/requests`. */
export const PrivacyRequestPageQuerySchema = Type.Object({ limit, after, project }, closed)

/** Answer of `GET /admin/v1/privacy/requests` and `GET /v1/privacy/requests`. */
export const PrivacyRequestPageSchema = pageSchema(PrivacyRequestSchema, 'PrivacyRequestPage')

/** Path of one request. */
export const PrivacyRequestPathSchema = Type.Object({
  privacy_request_id: Type.String({ description: 'Id of the request.', examples: ['dsr_01KG9V6V80Q3M5YJ8T2N4R7WXA'] }),
})

/** A link to an archive. */
export const ExportLinkSchema = Type.Object(
  {
    object: Type.Literal('privacy_request.link'),
    url: Type.String({ description: 'Opens the archive to whoever has it.' }),
    expires_time: Type.String(),
  },
  { ...closed, title: 'ExportLink' },
)

/** Path of an archive. */
export const ExportPathSchema = Type.Object({
  export_token: Type.String({ description: 'The last part of a link.', examples: ['WyJk.c2ln'] }),
})

/** An archive: `manifest.json` lists its members. */
export const ExportArchiveSchema = Type.String({ format: 'binary', title: 'ExportArchive' })
