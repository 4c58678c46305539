import { Type } from 'typebox'
import { count, ModelNameSchema, nullable } from './inference.ts'

/** A block of a message; what a model takes, its provider decides. */
const ContentBlockSchema = Type.Object(
  { type: Type.String({ description: '`text`, `image`, `document`, `tool_use`, `tool_result`, `thinking`, …' }) },
  { title: 'ContentBlock' },
)

const contentOf = (description: string) => Type.Union([Type.String(), Type.Array(ContentBlockSchema)], { description })

const MessageParamSchema = Type.Object(
  { role: Type.String({ description: '`user` or `assistant`.' }), content: contentOf('Text, or a list of blocks.') },
  { title: 'MessageParam' },
)

const common = {
  model: ModelNameSchema,
  messages: Type.Array(MessageParamSchema, { minItems: 1 }),
  system: Type.Optional(contentOf('What the model shall be.')),
  tools: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        description: Type.Optional(Type.String()),
        input_schema: Type.Object({}, { description: 'A JSON Schema.' }),
      }),
    ),
  ),
  tool_choice: Type.Optional(Type.Object({ type: Type.String({ description: '`auto`, `any`, `tool` or `none`.' }) })),
  thinking: Type.Optional(Type.Object({ type: Type.String() })),
  output_config: Type.Optional(Type.Object({})),
}

/**
 * Body of `POST /v1/messages`: the members that decide routing, limits and money, and the common rest of Anthropic’s
 * protocol. For the reference; `gateway/messages/request.ts` reads it.
 */
export const MessagesRequestSchema = Type.Object(
  {
    ...common,
    max_tokens: Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      description: 'Most tokens of the answer; what a budget reserves.',
    }),
    stream: Type.Optional(Type.Boolean({ description: 'Answer with server-sent events.' })),
    stop_sequences: Type.Optional(Type.Array(Type.String())),
    temperature: Type.Optional(nullable(Type.Number())),
    top_p: Type.Optional(nullable(Type.Number())),
    metadata: Type.Optional(
      nullable(Type.Object({ user_id: Type.Optional(nullable(Type.String())) }), {
        description: '`user_id`: your own stable id of the person, for usage by user.',
      }),
    ),
    strict: Type.Optional(
      Type.Boolean({ description: 'Refuse what the target cannot be given, instead of a warning.' }),
    ),
  },
  {
    title: 'MessagesRequest',
    examples: [{ model: 'demo', max_tokens: 256, messages: [{ role: 'user', content: 'Hello' }] }],
  },
)

/** Tokens of one call in Anthropic’s shape: what was read from a cache or written to one stands beside `input_tokens`. */
const MessagesUsageSchema = Type.Object(
  {
    input_tokens: count,
    cache_creation_input_tokens: count,
    cache_read_input_tokens: count,
    output_tokens: count,
  },
  { title: 'MessagesUsage' },
)

/** A whole answer. */
export const MessageSchema = Type.Object(
  {
    id: Type.String(),
    type: Type.String({ description: '`message`.' }),
    role: Type.String({ description: '`assistant`.' }),
    model: Type.String({ description: 'As its provider names it.' }),
    content: Type.Array(ContentBlockSchema),
    stop_reason: nullable(Type.String(), {
      description: '`end_turn`, `max_tokens`, `tool_use`, `refusal`; null while a stream goes on.',
    }),
    stop_sequence: nullable(Type.String()),
    usage: MessagesUsageSchema,
  },
  { title: 'Message' },
)

/** The JSON of an event: `message_start`, `content_block_start`, `…_delta`, `…_stop`, `message_delta`, `message_stop`, `error`. */
export const MessageEventSchema = Type.Object({ type: Type.String() }, { title: 'MessageEvent' })

/** Body of `POST /v1/messages/count_tokens`. */
export const CountTokensRequestSchema = Type.Object(common, {
  title: 'CountTokensRequest',
  examples: [{ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }],
})

/** How many tokens a request has. */
export const TokenCountSchema = Type.Object({ input_tokens: count }, { title: 'TokenCount' })
