import { AccessSchema, PolicySchema, policyNamePattern } from '@headgate/contract/limits.ts'
import { type TSchema, Type } from 'typebox'

const ranges = (description: string) => Type.Array(Type.String({ 'x-check': 'cidr' }), { default: [], description })
const countries = (description: string) =>
  Type.Array(Type.String({ pattern: '^([A-Z]{2}|unknown)$' }), { default: [], description })

/** A bucket of requests, as `rate` of schema.ts makes it. */
export const limitsSchema = <Rate extends TSchema>(perIp: Rate) =>
  Type.Object(
    {
      per_ip: perIp,
      policies: Type.Record(Type.String({ pattern: policyNamePattern }), PolicySchema, {
        additionalProperties: false,
        description: 'Limits as data, by name; see the guide on limits.',
      }),
      access: Type.Object(
        {
          default: Type.Enum(AccessSchema.properties.default.enum, {
            default: 'allow',
            description: 'What holds where no range and no country decides.',
          }),
          allow: ranges('Addresses and ranges that may call; the longest range decides.'),
          deny: ranges('Addresses and ranges that may not.'),
          allow_countries: countries('Countries (ISO 3166) that may call; when given, the others may not.'),
          deny_countries: countries('Countries that may not call; `unknown` for those of no known country.'),
        },
        { additionalProperties: false, description: 'Who may call, until an operator sets it at run time.' },
      ),
    },
    { additionalProperties: false, description: 'Limits outside tiers.' },
  )
