import { type TSchema, Type } from 'typebox'

export const group = <Properties extends Record<string, TSchema>>(properties: Properties, description: string) =>
  Type.Object(properties, { additionalProperties: false, description })

export const named = <Entry extends TSchema>(pattern: string, entry: Entry, options: Record<string, unknown>) =>
  Type.Record(Type.String({ pattern }), entry, { additionalProperties: false, ...options })

export const milliseconds = (description: string, value?: number) =>
  Type.Integer({ minimum: 1, maximum: 86_400_000, description, ...(value === undefined ? {} : { default: value }) })

export const count = (description: string, value?: number) =>
  Type.Integer({
    minimum: 1,
    maximum: 1_000_000_000_000,
    description,
    ...(value === undefined ? {} : { default: value }),
  })

export const money = (description: string) => Type.Unsafe<bigint>({ type: 'string', 'x-money': true, description })

/** What an HTTP proxy asks for: `user:password`. */
export const proxyLogin = (description: string) =>
  Type.String({ pattern: '^[^:\\s]{1,200}:[^\\r\\n]{1,1000}$', 'x-secret': true, description })

export const url = (description: string) => Type.String({ 'x-check': 'http-url', description })

/** Certificates as text. */
export const authorities = Type.String({
  'x-check': 'certificates',
  description: 'Certificates (PEM) of authorities to trust beside the usual ones: `${file:./ca.pem}`.',
})

export const rate = (description: string, perMinute?: number, burst?: number) =>
  group(
    {
      rate_per_minute: count('Requests that come back per minute.', perMinute),
      burst: count('Requests that may come at once.', burst),
    },
    description,
  )

/** Names of entries that hold from a day (UTC) or a time on. */
export const datePattern = '^20\\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])(T([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d)?Z)?$'
