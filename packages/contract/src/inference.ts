import { type TSchema, Type, type TSchemaOptions } from 'typebox'

/** A schema or null, as providers and SDKs write what is not there. */
export const nullable = <Schema extends TSchema>(schema: Schema, options: TSchemaOptions = {}) =>
  Type.Union([schema, Type.Null()], options)

/** A whole number from 0. */
export const count = Type.Integer({ minimum: 0 })

/** The model of a call. */
export const ModelNameSchema = Type.String({
  minLength: 1,
  maxLength: 256,
  description: '`provider/model`, or the bare name when one provider has it; `GET /v1/models` lists them.',
})

/** The person behind a call. */
export const UserSchema = Type.Optional(
  nullable(Type.String({ maxLength: 256 }), {
    description: 'Your own stable id of the person, for usage by user. The header `x-headgate-user` wins over it.',
  }),
)

/** Tokens of one call in OpenAI’s shape. */
export const TokenUsageSchema = Type.Object(
  {
    prompt_tokens: count,
    completion_tokens: Type.Optional(count),
    total_tokens: count,
    prompt_tokens_details: Type.Optional(nullable(Type.Object({ cached_tokens: Type.Optional(nullable(count)) }))),
    completion_tokens_details: Type.Optional(
      nullable(Type.Object({ reasoning_tokens: Type.Optional(nullable(count)) })),
    ),
  },
  { title: 'TokenUsage' },
)
