import { type Static, type TSchema, Type } from 'typebox'
import { CallTemplatesSchema } from './call-templates.ts'

const closed = { additionalProperties: false } as const

/** As in the configuration: it stands before the slash in a model’s name. */
const namePattern = '^[a-z0-9][a-z0-9_-]{0,63}$'
const kind = Type.Enum(['openai', 'anthropic', 'azure', 'bedrock', 'gemini', 'ollama', 'elevenlabs', 'http'])
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
const apiVersion = Type.String({
  pattern: '^[0-9A-Za-z.-]{1,40}$',
  description: 'Of `azure`: calls go to deployments by this API version.',
})
const severalKeys = Type.Array(secretText, {
  minItems: 1,
  maxItems: 20,
  description: 'Several keys in place of `api_key`: the next is used when one is asked for too much or refused.',
})
const headers = Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }), secretText, {
  maxProperties: 20,
  additionalProperties: false,
  description: 'Headers added upstream; kept as secret as the key.',
})

const voices = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$' }),
  Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
  {
    maxProperties: 200,
    additionalProperties: false,
    description: 'Of `elevenlabs`: ids of voices by the names that callers write.',
  },
)
const models = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
  maxItems: 200,
  description: 'Of `http`: the models that it lists; any other may be named too.',
})
const fetchImages = Type.Boolean({
  description: 'Fetch pictures that a request names by address here, guarded, and send their bytes.',
})
const orNull = <Schema extends TSchema>(schema: Schema) => Type.Optional(Type.Union([schema, Type.Null()]))

/** Body of `POST /admin/v1/providers`. */
export const CreateProviderSchema = Type.Object(
  {
    name: Type.String({ pattern: namePattern }),
    kind: Type.Optional(kind),
    base_url: Type.Optional(baseUrl),
    api_version: Type.Optional(apiVersion),
    api_key: Type.Optional(secretText),
    api_keys: Type.Optional(severalKeys),
    headers: Type.Optional(headers),
    stream_usage: Type.Optional(Type.Boolean()),
    voices: Type.Optional(voices),
    templates: Type.Optional(CallTemplatesSchema),
    models: Type.Optional(models),
    fetch_images: Type.Optional(fetchImages),
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
    api_version: Type.Optional(Type.Union([apiVersion, Type.Null()])),
    api_key: Type.Optional(Type.Union([secretText, Type.Null()])),
    api_keys: Type.Optional(severalKeys),
    headers: Type.Optional(Type.Union([headers, Type.Null()])),
    stream_usage: Type.Optional(Type.Boolean()),
    voices: orNull(voices),
    templates: Type.Optional(CallTemplatesSchema),
    models: orNull(models),
    fetch_images: Type.Optional(fetchImages),
    enabled: Type.Optional(
      Type.Boolean({ description: 'false takes it out of use on every replica; also one of the configuration.' }),
    ),
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
    api_version: Type.Union([Type.String(), Type.Null()]),
    source: Type.Enum(['configuration', 'operator'], {
      description: 'Who named it; one of the configuration is changed there.',
    }),
    state: Type.Enum(['active', 'disabled', 'shadowed', 'unreadable'], {
      description:
        '`disabled`: taken out of use by an operator. `shadowed`: the configuration has one by the same name, which counts. `unreadable`: sealed under another root key.',
    }),
    api_key: Type.Union([Type.Object({ last4: Type.Union([Type.String(), Type.Null()]) }), Type.Null()], {
      description:
        'null: it has none. `last4` is null where it is kept in the configuration or too short to show any of it.',
    }),
    keys: Type.Array(
      Type.Object({
        last4: Type.Union([Type.String(), Type.Null()]),
        state: Type.Enum(['ready', 'resting', 'refused'], {
          description:
            '`resting`: it was asked for too much. `refused`: the provider does not take it, or no money is left.',
        }),
        until: Type.Union([Type.String(), Type.Null()], { description: 'When it is tried again.' }),
      }),
      { description: 'Its keys in their order, as they stand in the process that answers.' },
    ),
    headers: Type.Array(Type.String(), { description: 'Names of the headers added upstream.' }),
    stream_usage: Type.Boolean(),
    voices: Type.Optional(voices),
    templates: Type.Optional(CallTemplatesSchema),
    models: Type.Optional(models),
    fetch_images: Type.Boolean(),
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
        api_version: null,
        source: 'operator',
        state: 'active',
        api_key: { last4: 'x7Qa' },
        keys: [{ last4: 'x7Qa', state: 'ready', until: null }],
        headers: [],
        stream_usage: true,
        fetch_images: false,
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
