import { Type } from 'typebox'
import { InnerErrorSchema } from './errors/body.ts'
import { ModelNameSchema, nullable, TokenUsageSchema, UserSchema } from './inference.ts'

const optional = <Schema extends Parameters<typeof nullable>[0]>(schema: Schema, description?: string) =>
  Type.Optional(nullable(schema, description === undefined ? {} : { description }))

/** Body of `POST /v1/completions`. For the reference; `gateway/completions/request.ts` reads it. */
export const CompletionRequestSchema = Type.Object(
  {
    model: ModelNameSchema,
    prompt: Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String(), { minItems: 1, maxItems: 1 })], {
      description: 'The text to be completed, alone or in a list.',
    }),
    max_tokens: optional(
      Type.Integer({ minimum: 1, maximum: 10_000_000 }),
      'Most tokens of each answer, and what a budget reserves; 16 when not stated, as with OpenAI.',
    ),
    n: optional(Type.Integer({ minimum: 1, maximum: 128 }), 'How many answers.'),
    best_of: optional(Type.Integer({ minimum: 1, maximum: 128 }), 'No more than `n`.'),
    echo: optional(Type.Boolean(), 'Put the prompt before each answer; not together with `logprobs`.'),
    logprobs: optional(
      Type.Integer({ minimum: 0, maximum: 20 }),
      'How many of the likeliest tokens are told beside each one.',
    ),
    stop: optional(Type.Union([Type.String(), Type.Array(Type.String())]), 'Where an answer ends.'),
    stream: optional(Type.Boolean(), 'Answer with server-sent events.'),
    stream_options: optional(Type.Object({ include_usage: optional(Type.Boolean()) })),
    temperature: optional(Type.Number()),
    top_p: optional(Type.Number()),
    presence_penalty: optional(Type.Number()),
    frequency_penalty: optional(Type.Number()),
    logit_bias: optional(Type.Object({})),
    seed: optional(Type.Integer()),
    user: UserSchema,
    strict: optional(Type.Boolean(), 'Refuse what the target cannot be given, instead of a warning.'),
  },
  { title: 'CompletionRequest', examples: [{ model: 'demo', prompt: 'Name three rivers.', max_tokens: 64 }] },
)

const ChoiceSchema = Type.Object(
  {
    text: Type.String(),
    index: Type.Integer({ minimum: 0 }),
    logprobs: nullable(
      Type.Object({
        tokens: Type.Array(Type.String()),
        token_logprobs: Type.Array(Type.Number()),
        top_logprobs: Type.Array(Type.Object({})),
        text_offset: Type.Array(Type.Integer({ minimum: 0 })),
      }),
    ),
    finish_reason: nullable(Type.String(), {
      description: '`stop`, `length`, `content_filter`; null while it goes on.',
    }),
  },
  { title: 'CompletionChoice' },
)

const frame = {
  id: Type.String(),
  object: Type.String({ description: '`text_completion`.' }),
  created: Type.Integer({ description: 'Seconds since the epoch.' }),
  model: Type.String({ description: 'As its provider names it.' }),
  choices: Type.Array(ChoiceSchema),
  usage: Type.Optional(nullable(TokenUsageSchema)),
}

/** A whole answer. */
export const CompletionSchema = Type.Object(frame, { title: 'Completion' })

/** The JSON of an event: a part of the answer, or the error that ends it. */
export const CompletionEventSchema = Type.Union([
  Type.Object(frame, { title: 'CompletionChunk' }),
  Type.Object({ error: InnerErrorSchema }),
])
