import { ConfiguredIssuerSchema, issuerNamePattern } from '@headgate/contract/issuers.ts'
import { type TSchema, Type } from 'typebox'
import { group, named } from './schema-parts.ts'

/** Who vouches for people that call with a token. */
export const IssuersSchema = named(issuerNamePattern, ConfiguredIssuerSchema, {
  description: 'Who vouches for people that call with a token (OpenID Connect, JWT), by name; see the guide on users.',
})

/** Users that a backend signs. */
export const SignaturesSchema = group(
  {
    window_seconds: Type.Integer({
      minimum: 1,
      maximum: 3_600,
      default: 300,
      description: 'How far the time of a signature may be from now: as long it can be sent again.',
    }),
  },
  'Users that a backend signs.',
)

/** A bucket of requests, as `rate` of schema-parts.ts makes it. */
export const devicesSchema = <Rate extends TSchema>(perIp: Rate) =>
  group(
    {
      token_days: Type.Integer({
        minimum: 1,
        maximum: 400,
        default: 30,
        description: 'Days after which the token of a device ends, unless it was renewed.',
      }),
      proof_bits: Type.Integer({
        minimum: 0,
        maximum: 28,
        default: 0,
        description:
          'Zero bits of the proof of work that a new device does; each doubles it. 0: none; 16: well under a second in a browser.',
      }),
      per_ip: perIp,
    },
    'Tokens of anonymous devices.',
  )
