import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const line = (most: number, description: string) =>
  Type.String({ minLength: 1, maxLength: most, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description })
/** What is fetched decides who is believed, so it comes over TLS, or from this machine. */
const safeUrl = '^(https://[^\\s/?#@]+|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d{1,5})?)(/[^\\s#]*)?$'

/** Algorithms of signatures whose public key does not sign: RFC 7518 and RFC 8037. */
export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

/** An issuer of tokens that prove which person calls (OpenID Connect, or any JWT with public keys). */
export const IssuerSchema = Type.Object(
  {
    issuer: line(500, 'The `iss` of its tokens, to the letter.'),
    audiences: Type.Array(line(300, 'An `aud`.'), {
      minItems: 1,
      maxItems: 20,
      description: 'Audiences that are accepted: client ids, or names of APIs.',
    }),
    jwks_url: Type.Optional(
      Type.String({
        pattern: safeUrl,
        maxLength: 500,
        description:
          'Where its public keys are, https or this machine; absent: by discovery, `<issuer>/.well-known/openid-configuration`.',
      }),
    ),
    algorithms: Type.Optional(
      Type.Array(Type.Enum([...tokenAlgorithms]), {
        minItems: 1,
        maxItems: 10,
        description: 'Algorithms that are accepted; RS256 and ES256 unless told.',
      }),
    ),
    clock_skew_seconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 60, description: 'How far clocks may differ; 30 unless told.' }),
    ),
    user_claim: Type.Optional(line(100, 'The claim that names the person for good; `sub` unless told.')),
    user_prefix: Type.Optional(line(64, 'Stands before the user id, to tell the people of one issuer from another’s.')),
    tier_claim: Type.Optional(line(100, 'A claim that holds the name of a tier; others are passed over.')),
    tier: Type.Optional(
      line(64, 'The tier of people who call without a key and have none by claim; `free` unless told.'),
    ),
  },
  {
    ...closed,
    title: 'Issuer',
    examples: [
      { issuer: 'https://login.example.org/', audiences: ['shop-web'], user_claim: 'sub', tier_claim: 'plan' },
    ],
  },
)
type Kept<T> = T extends readonly (infer Item)[]
  ? readonly Kept<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Kept<T[Name]> }
    : T
export type IssuerInput = Kept<Static<typeof IssuerSchema>>

export const issuerNamePattern = '^[a-z0-9][a-z0-9_-]{0,63}$'
const project = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,128}$',
  description: 'Id of the project.',
  examples: ['default'],
})

/** Path of the issuers of one project. */
export const ProjectPathSchema = Type.Object({ project }, closed)
export const IssuerPathSchema = Type.Object(
  {
    project,
    name: Type.String({ pattern: issuerNamePattern, description: 'Name of the issuer.', examples: ['login'] }),
  },
  closed,
)

/** An issuer of the configuration: with the project that it is for. */
export const ConfiguredIssuerSchema = Type.Object({ project, ...IssuerSchema.properties }, closed)
export type ConfiguredIssuer = IssuerInput & { readonly project: string }

export const NamedIssuerSchema = Type.Object(
  {
    object: Type.Literal('issuer'),
    name: Type.String(),
    project: Type.String(),
    source: Type.Enum(['configuration', 'operator'], { description: 'Those of the configuration change only there.' }),
    issuer: IssuerSchema,
  },
  { ...closed, title: 'NamedIssuer' },
)
export type NamedIssuer = Kept<Static<typeof NamedIssuerSchema>>

export const IssuerListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(NamedIssuerSchema),
    has_more: Type.Boolean(),
    next_cursor: Type.Null(),
  },
  { ...closed, title: 'IssuerList' },
)
