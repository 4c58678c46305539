import { type Static, Type } from 'typebox'
import { pageSchema, ProjectPageQuerySchema } from './keys.ts'

const closed = { additionalProperties: false } as const
const line = (most: number, description: string) =>
  Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description })
const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description })
const example = 'con_01KG9V6V80Q3M5YJ8T2N4R7WXA'
const decision = Type.Enum(['granted', 'withdrawn'])
const source = Type.Enum(['person', 'operator', 'gpc'], {
  description: 'Who said so: the person, an operator for them, or their browser (`Sec-GPC: 1`).',
})

const said = {
  purpose: Type.String({
    pattern: '^[a-z][a-z0-9_.-]{0,63}$',
    description: 'What for: one of `privacy.consent_purposes`.',
  }),
  decision,
  policy_version: Type.Optional(line(100, 'Which wording the person saw.')),
  proof: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4_000,
      description: 'What shows it, such as the wording and the button; kept sealed under the key of the person.',
    }),
  ),
}
const whose = {
  project: line(256, 'The project.'),
  user: line(256, 'The name under which the person’s calls are made.'),
}
const saidExample = { purpose: 'analytics', decision: 'granted' as const, policy_version: '2026-01' }

/** Body of `POST /v1/consents`. */
export const NoteConsentSchema = Type.Object(said, { ...closed, title: 'NoteConsent', examples: [saidExample] })
export type NoteConsent = Static<typeof NoteConsentSchema>

/** Body of `POST /admin/v1/privacy/consents`. */
export const NoteConsentForSchema = Type.Object(
  {
    ...whose,
    ...said,
    given_at: Type.Optional(
      Type.String({
        maxLength: 40,
        pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})$',
        description: 'When it was said, if not now; RFC 3339, with zone.',
      }),
    ),
  },
  { ...closed, title: 'NoteConsentFor', examples: [{ project: 'default', user: 'user-42', ...saidExample }] },
)
export type NoteConsentFor = Static<typeof NoteConsentForSchema>

/** An entry of the ledger. */
export const ConsentEntrySchema = Type.Object(
  {
    object: Type.Literal('consent'),
    id: Type.String(),
    project: Type.String(),
    purpose: Type.String(),
    decision,
    policy_version: nullable('Which wording the person saw.'),
    source,
    proof: nullable('What shows it.'),
    given_at: Type.String({ description: 'When it was said.' }),
    noted_at: Type.String({ description: 'When it was written down here.' }),
  },
  {
    ...closed,
    title: 'Consent',
    examples: [
      {
        object: 'consent',
        id: example,
        project: 'default',
        purpose: 'analytics',
        decision: 'granted',
        policy_version: '2026-01',
        source: 'person',
        proof: null,
        given_at: '2026-01-31T09:15:00.000Z',
        noted_at: '2026-01-31T09:15:00.000Z',
      },
    ],
  },
)
export type ConsentEntry = Static<typeof ConsentEntrySchema>

/** How a purpose stands for somebody. */
export const ConsentStateSchema = Type.Object(
  {
    object: Type.Literal('consent_state'),
    purpose: Type.String(),
    allowed: Type.Boolean(),
    decided_by: Type.Enum(['person', 'operator', 'gpc', 'default'], {
      description: 'Who said so last; default: nobody, and `privacy.opt_in_purposes` says whether that is enough.',
    }),
    policy_version: nullable('Which wording the person saw.'),
    since: nullable('When it was said.'),
  },
  {
    ...closed,
    title: 'ConsentState',
    examples: [
      {
        object: 'consent_state',
        purpose: 'analytics',
        allowed: false,
        decided_by: 'gpc',
        policy_version: null,
        since: '2026-01-31T09:15:00.000Z',
      },
    ],
  },
)
export type ConsentState = Static<typeof ConsentStateSchema>

/** Answer of `GET /v1/consents` and `GET /admin/v1/privacy/consents`. */
export const ConsentStatesSchema = pageSchema(ConsentStateSchema, 'ConsentStates')
/** Answer of `GET /v1/consents/history` and `GET /admin/v1/privacy/consents/history`. */
export const ConsentHistoryPageSchema = pageSchema(ConsentEntrySchema, 'ConsentPage')

const { limit } = ProjectPageQuerySchema.properties
const after = Type.Optional(
  Type.String({
    pattern: '^con_[0-9A-HJKMNP-TV-Z]{26}$',
    description: '`next_cursor` of the page before.',
    examples: [example],
  }),
)
/** Query of `GET /v1/consents/history`. */
export const ConsentSelfQuerySchema = Type.Object({ limit, after }, closed)
/** Query of `GET /admin/v1/privacy/consents`. */
export const ConsentUserQuerySchema = Type.Object(whose, closed)
/** Query of `GET /admin/v1/privacy/consents/history`. */
export const ConsentPersonQuerySchema = Type.Object({ ...whose, limit, after }, closed)
export type ConsentPersonQuery = Static<typeof ConsentUserQuerySchema>

/** Answer of `GET /.well-known/gpc.json`, in the words of the specification: https://www.w3.org/TR/gpc/ */
export const GpcSupportSchema = Type.Object(
  { gpc: Type.Boolean({ description: 'Whether `Sec-GPC` is heeded.' }) },
  { ...closed, title: 'GpcSupport', examples: [{ gpc: true }] },
)
