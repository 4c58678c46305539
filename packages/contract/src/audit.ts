import { type Static, Type } from 'typebox'
import { pageSchema } from './keys.ts'

const textOrNull = Type.Union([Type.String(), Type.Null()])
/** Any object, as it stood. */
const state = (description: string) =>
  Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()], { description })

/** One act of an operator; entries are never changed or taken back. */
export const AuditEntrySchema = Type.Object(
  {
    object: Type.Literal('audit_entry'),
    seq: Type.String({ description: 'Number of the entry, without gaps; decimal text, because it may pass 2^53.' }),
    at: Type.String({ format: 'date-time' }),
    actor: Type.String({ description: 'Who: `admin`, `cli`, …' }),
    action: Type.String({ description: 'What, in the past tense: `key.created`.' }),
    resource: Type.String({ description: 'On what: `key/<id>`.' }),
    project: Type.Union([Type.String(), Type.Null()], { description: 'Null where it belongs to none.' }),
    before: state('What stood before, as far as it changed.'),
    after: state('What stands since, as far as it changed.'),
    request_id: textOrNull,
    reason: textOrNull,
  },
  {
    title: 'AuditEntry',
    examples: [
      {
        object: 'audit_entry',
        seq: '42',
        at: '2026-01-31T09:15:00.000Z',
        actor: 'admin',
        action: 'key.revoked',
        resource: 'key/7Qm2xW4kZ9tB',
        project: 'default',
        before: { state: 'active' },
        after: { state: 'deactivated' },
        request_id: 'req_01KG9V6V80Q3M5YJ8T2N4R7WXA',
        reason: 'The app was retired.',
      },
    ],
  },
)
export type AuditEntry = Static<typeof AuditEntrySchema>

/** Answer of `GET /admin/v1/audit`. */
export const AuditPageSchema = pageSchema(AuditEntrySchema, 'AuditPage')
