import { Type } from 'typebox'
import { group, url } from './schema-parts.ts'

/** Caches in front of signed addresses. */
export const CdnSchema = group(
  {
    purge_url: Type.Optional(url('Where is posted what caches in front must forget, by tags; absent: nobody is told.')),
    purge_authorization: Type.Optional(
      Type.String({
        ...{ minLength: 1, maxLength: 4_096, pattern: '^[ -~]+$', 'x-secret': true },
        description: '`Authorization` of those requests, such as `Bearer …`.',
      }),
    ),
    browser_seconds: Type.Integer({
      minimum: 0,
      maximum: 604_800,
      default: 604_800,
      description:
        'Most seconds that a browser may keep what caches in front keep until its address expires: nobody can purge a browser.',
    }),
  },
  'Content delivery networks, and other caches in front of the addresses for everybody.',
)
