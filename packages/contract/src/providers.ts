import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

/** As in the configuration: it stands before the slash in a model’s name. */
const namePattern = '^[a-z0-9][a-z0-9_-]{0,63}$'
const kind = Type.Enum(['openai', 'anthropic', 'azure', 'bedrock', 'gemini', 'ollama'])
const baseUrl = Type.String({
  minLength: 1,
  maxLength: 2_000,
  pattern: '^https?://\\S+$',
  description: 'Address up to the version, such as `https://api.openai.com/v1`; for the other kinds without it.',
})
/** What a header can carry: visible ASCII, with spaces inside. */
const secretText = Type.String({
  minLength: 1,
  maxLength: 4_096,
  pattern: '^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$',
})
const headers = Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }), secretText, {
  maxProperties: 20,
  additionalProperties: false,
  description: 'Headers added upstream; kept as secret as the key.',
})

/** Body of `POST /admin/v1/providers`. */
export const CreateProviderSchema = Type.Object(
  {
    name: Type.String({ pattern: namePattern }),
    kind: Type.Optional(kind),
    base_url: Type.Optional(baseUrl),
    api_key: Type.Optional(secretText),
    headers: Type.Optional(headers),
    stream_usage: Type.Optional(Type.Boolean()),
  },
  {
    ...closed,
    title: 'CreateProvider',
    examples: [{ name: 'mine', base_url: 'https://llm.example.org/v1', api_key: 'the-key-of-that-server' }],
  },
)
export type CreateProvider = Static<typeof CreateProviderSchema>

/** Body of `PATCH /admin/v1/providers/:name`: what is absent stays; null takes it away. */
export const UpdateProviderSchema = Type.Object(
  {
    base_url: Type.Optional(baseUrl),
    api_key: Type.Optional(Type.Union([secretText, Type.Null()])),
    headers: Type.Optional(Type.Union([headers, Type.Null()])),
    stream_usage: Type.Optional(Type.Boolean()),
  },
  { ...closed, minProperties: 1, title: 'UpdateProvider', examples: [{ api_key: 'its-next-key-0123456789' }] },
)
export type UpdateProvider = Static<typeof UpdateProviderSchema>

/** Path of one provider. */
export const ProviderPathSchema = Type.Object({
  name: Type.String({ pattern: namePattern, description: 'Name of the provider.', examples: ['mine'] }),
})

/** A provider as operators see it; what it is told in confidence is never part of it. */
export const ProviderSchema = Type.Object(
  {
    object: Type.Literal('provider'),
    name: Type.String(),
    kind: Type.String(),
    base_url: Type.Union([Type.String(), Type.Null()]),
    source: Type.Enum(['configuration', 'operator'], {
      description: 'Who named it; one of the configuration is changed there.',
    }),
    state: Type.Enum(['active', 'shadowed', 'unreadable'], {
      description:
        '`shadowed`: the configuration has one by the same name, which counts. `unreadable`: sealed under another root key.',
    }),
    api_key: Type.Union([Type.Object({ last4: Type.Union([Type.String(), Type.Null()]) }), Type.Null()], {
      description:
        'null: it has none. `last4` is null where it is kept in the configuration or too short to show any of it.',
    }),
    headers: Type.Array(Type.String(), { description: 'Names of the headers added upstream.' }),
    stream_usage: Type.Boolean(),
    created_at: Type.Union([Type.String(), Type.Null()]),
    changed_at: Type.Union([Type.String(), Type.Null()]),
  },
  {
    title: 'Provider',
    examples: [
      {
        object: 'provider',
        name: 'mine',
        kind: 'openai',
        base_url: 'https://llm.example.org/v1',
        source: 'operator',
        state: 'active',
        api_key: { last4: 'x7Qa' },
        headers: [],
        stream_usage: true,
        created_at: '2026-01-31T09:15:00.000Z',
        changed_at: '2026-01-31T09:15:00.000Z',
      },
    ],
  },
)
export type ProviderView = Static<typeof ProviderSchema>

/** `GET /admin/v1/providers`: all of them, by name. */
export const ProviderListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(ProviderSchema),
    has_more: Type.Literal(false),
    next_cursor: Type.Null(),
  },
  { title: 'ProviderList' },
)

/** Answer of `POST /admin/v1/providers/:name/test`: what asking the provider for its models came to. */
export const ProviderTestSchema = Type.Object(
  {
    object: Type.Literal('provider_test'),
    name: Type.String(),
    ok: Type.Boolean(),
    duration_ms: Type.Integer(),
    models: Type.Array(Type.String(), { description: 'The first twenty that it lists.' }),
    models_total: Type.Integer(),
    error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
  },
  {
    title: 'ProviderTest',
    examples: [
      {
        object: 'provider_test',
        name: 'mine',
        ok: true,
        duration_ms: 84,
        models: ['llama-3.3-70b'],
        models_total: 1,
        error: null,
      },
    ],
  },
)
export type ProviderTest = Static<typeof ProviderTestSchema>

/** Answer of `DELETE /admin/v1/providers/:name`. */
export const ProviderDeletedSchema = Type.Object(
  { object: Type.Literal('provider'), name: Type.String(), deleted: Type.Literal(true) },
  { title: 'ProviderDeleted', examples: [{ object: 'provider', name: 'mine', deleted: true }] },
)
