import { Type } from 'typebox'
import { group } from './schema-parts.ts'

/** `provider/model`. */
const modelName = '^[a-z0-9][a-z0-9_-]{0,63}/\\S{1,200}$'
const lines = (pattern: string, description: string) =>
  Type.Optional(Type.Array(Type.String({ pattern }), { minItems: 1, maxItems: 300, description }))

const Condition = group(
  {
    tiers: lines('^[a-z0-9][a-z0-9_-]{0,63}$', 'Tiers of the caller.'),
    countries: lines('^([A-Z]{2}|unknown)$', 'Countries of the caller, by ISO 3166 code, or `unknown`.'),
    tags: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9_.-]{0,63}$' }), Type.String({ maxLength: 128 }), {
        additionalProperties: false,
        description: 'Tags that the call has, by `x-headgate-tags`.',
      }),
    ),
  },
  'For which calls it is; all that is said must hold.',
)

const RouteSchema = group(
  {
    targets: Type.Record(
      Type.String({ pattern: modelName }),
      group(
        {
          weight: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 1_000_000,
              description: 'Its share of the calls; 1 when absent, 0: none.',
            }),
          ),
          when: Type.Optional(Condition),
        },
        'A model of the route.',
      ),
      {
        additionalProperties: false,
        description: 'Models by `provider/model`. One is drawn by weight; the others are tried when it fails.',
      },
    ),
    fallbacks: Type.Optional(
      Type.Array(Type.String({ pattern: modelName }), {
        minItems: 1,
        maxItems: 32,
        description: 'Models tried in this order when the targets fail, or none of them is for the call.',
      }),
    ),
  },
  'What a name stands for.',
)

/** Names of the house's own for models. `auto` is taken. */
export const RoutesSchema = Type.Record(
  Type.String({ pattern: '^(?!auto(:|$))[a-z0-9][a-z0-9._-]{0,63}$' }),
  RouteSchema,
  {
    additionalProperties: false,
    description:
      'Names that callers may put for a model, and the models that they stand for; see the guide on routing.',
  },
)

/** From which models `auto` chooses. */
export const AutoSchema = group(
  {
    models: Type.Array(Type.String({ minLength: 1, maxLength: 300 }), {
      default: [],
      description:
        'Models in full, bare, or by their beginning with a `*`. Where none is named: all that the key may call.',
    }),
  },
  'From which models `auto` chooses.',
)

/** What `auto` is told of a model. */
export const modelTraits = {
  modalities: Type.Optional(
    Type.Array(Type.Enum(['text', 'image', 'audio', 'video', 'file']), {
      description: 'What it takes; absent: what the registry of models says.',
    }),
  ),
  outputs: Type.Optional(
    Type.Array(Type.Enum(['text', 'image', 'audio', 'embedding']), {
      description: 'What it gives; absent: what the registry of models says.',
    }),
  ),
  tools: Type.Optional(
    Type.Boolean({ description: 'Whether it calls tools; absent: what the registry of models says.' }),
  ),
  structured_output: Type.Optional(
    Type.Boolean({ description: 'Whether it keeps to a JSON schema; absent: what the registry of models says.' }),
  ),
  quality: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100,
      description: 'How good its answers are by your own measure, for `auto`.',
    }),
  ),
  quality_by_task: Type.Optional(
    Type.Record(
      Type.String({ pattern: '^(chat|code|vision|tools|long)$' }),
      Type.Integer({ minimum: 0, maximum: 100, description: 'The same for a kind of task.' }),
      { additionalProperties: false, description: 'The same by kind of task: chat, code, vision, tools, long.' },
    ),
  ),
}
