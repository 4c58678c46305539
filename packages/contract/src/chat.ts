import { Type } from 'typebox'
import { InnerErrorSchema } from './errors/body.ts'
import { chunkExamples, completionExamples } from './chat-examples.ts'
import { count, ModelNameSchema, nullable, TokenUsageSchema, UserSchema } from './inference.ts'

/** One part of a message’s content; what a model takes, its provider decides. */
const ContentPartSchema = Type.Object(
  {
    type: Type.String({ description: '`text`, `image_url`, `input_audio`, `file`, …' }),
    text: Type.Optional(Type.String()),
    image_url: Type.Optional(
      Type.Object({
        url: Type.String({ description: 'An address or a data URL.' }),
        detail: Type.Optional(Type.String()),
      }),
    ),
    input_audio: Type.Optional(Type.Object({ data: Type.String(), format: Type.String() })),
  },
  { title: 'ContentPart' },
)

/** A call of a function that the model asks for. */
const ToolCallSchema = Type.Object(
  {
    id: Type.String(),
    type: Type.String({ description: '`function`.' }),
    function: Type.Object({
      name: Type.String(),
      arguments: Type.String({ description: 'JSON text, as the model wrote it: check it before use.' }),
    }),
  },
  { title: 'ToolCall' },
)

/** One turn of a conversation. */
export const ChatMessageSchema = Type.Object(
  {
    role: Type.String({ description: '`system`, `developer`, `user`, `assistant` or `tool`.' }),
    content: Type.Optional(
      nullable(Type.Union([Type.String(), Type.Array(ContentPartSchema)]), {
        description: 'Text, or a list of parts. The last message of a user may not be blank.',
      }),
    ),
    name: Type.Optional(Type.String()),
    tool_calls: Type.Optional(Type.Array(ToolCallSchema)),
    tool_call_id: Type.Optional(Type.String({ description: 'Of a `tool` message: the call it answers.' })),
  },
  { title: 'ChatMessage' },
)

const ToolSchema = Type.Object(
  {
    type: Type.String({ description: '`function`.' }),
    function: Type.Optional(
      Type.Object({
        name: Type.String(),
        description: Type.Optional(Type.String()),
        parameters: Type.Optional(Type.Object({}, { description: 'A JSON Schema.' })),
        strict: Type.Optional(nullable(Type.Boolean())),
      }),
    ),
  },
  { title: 'Tool' },
)

const outputTokens = (description: string) =>
  Type.Optional(nullable(Type.Integer({ minimum: 1, maximum: 10_000_000 }), { description }))
const number = (description: string) => Type.Optional(nullable(Type.Number(), { description }))

/**
 * Body of `POST /v1/chat/completions`: the members that decide routing, limits and money, and the common rest of OpenAI’s
 * protocol. Every other member goes to the provider as it was written. For the reference; `gateway/openai-wire.ts` reads it.
 */
export const ChatRequestSchema = Type.Object(
  {
    model: ModelNameSchema,
    messages: Type.Array(ChatMessageSchema, { minItems: 1 }),
    stream: Type.Optional(nullable(Type.Boolean(), { description: 'Answer with server-sent events.' })),
    stream_options: Type.Optional(
      nullable(Type.Object({ include_usage: Type.Optional(Type.Boolean()) }), {
        description: 'With `include_usage` the last chunk tells tokens and cost.',
      }),
    ),
    max_completion_tokens: outputTokens('Most tokens of the answer; what a budget reserves.'),
    max_tokens: outputTokens('Its former name. Where both stand, the larger counts.'),
    n: Type.Optional(nullable(Type.Integer({ minimum: 1, maximum: 128 }), { description: 'Answers to make.' })),
    user: UserSchema,
    temperature: number('Usually 0 to 2; the provider checks it.'),
    top_p: number('Usually 0 to 1; the provider checks it.'),
    frequency_penalty: number('Usually -2 to 2; the provider checks it.'),
    presence_penalty: number('Usually -2 to 2; the provider checks it.'),
    seed: Type.Optional(nullable(Type.Integer())),
    stop: Type.Optional(nullable(Type.Union([Type.String(), Type.Array(Type.String())]))),
    logprobs: Type.Optional(nullable(Type.Boolean())),
    top_logprobs: Type.Optional(nullable(Type.Integer())),
    tools: Type.Optional(Type.Array(ToolSchema)),
    tool_choice: Type.Optional(Type.Union([Type.String(), Type.Object({})])),
    parallel_tool_calls: Type.Optional(Type.Boolean()),
    response_format: Type.Optional(Type.Object({ type: Type.String() })),
    reasoning_effort: Type.Optional(nullable(Type.String())),
  },
  { title: 'ChatRequest', examples: [{ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }] },
)

const finishReason = nullable(Type.String(), {
  description: '`stop`, `length`, `tool_calls`, `content_filter`, …; null while a stream goes on.',
})

/** A whole answer, as the provider wrote it. */
export const ChatCompletionSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.String({ description: '`chat.completion`.' }),
    created: Type.Integer({ description: 'Seconds since the epoch.' }),
    model: Type.String({ description: 'As its provider names it.' }),
    choices: Type.Array(
      Type.Object({
        index: count,
        message: Type.Object({
          role: Type.String(),
          content: nullable(Type.String()),
          refusal: Type.Optional(nullable(Type.String())),
          tool_calls: Type.Optional(Type.Array(ToolCallSchema)),
        }),
        finish_reason: finishReason,
      }),
    ),
    usage: Type.Optional(nullable(TokenUsageSchema)),
    system_fingerprint: Type.Optional(nullable(Type.String())),
  },
  { title: 'ChatCompletion', examples: completionExamples },
)

/** One part of a streamed answer. */
const ChatChunkSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.String({ description: '`chat.completion.chunk`.' }),
    created: Type.Integer(),
    model: Type.String(),
    choices: Type.Array(
      Type.Object({
        index: count,
        delta: Type.Object({
          role: Type.Optional(Type.String()),
          content: Type.Optional(nullable(Type.String())),
          tool_calls: Type.Optional(
            Type.Array(
              Type.Object({
                index: count,
                id: Type.Optional(Type.String()),
                function: Type.Optional(
                  Type.Object({ name: Type.Optional(Type.String()), arguments: Type.Optional(Type.String()) }),
                ),
              }),
            ),
          ),
        }),
        finish_reason: Type.Optional(finishReason),
      }),
      { description: 'Empty in the usage chunk.' },
    ),
    usage: Type.Optional(nullable(TokenUsageSchema)),
    continuation: Type.Optional(
      Type.Object(
        {
          model: Type.String(),
          provider: Type.String(),
          request_id: Type.String({ description: 'Of the call that goes on, in usage and ledger.' }),
        },
        { description: 'Of the event after which another model goes on with the text so far.' },
      ),
    ),
    headgate: Type.Optional(
      Type.Object(
        {
          cost_usd: nullable(Type.String()),
          model: Type.String(),
          provider: Type.String(),
          attempts: count,
          estimated: Type.Boolean(),
          request_id: Type.String(),
        },
        { description: 'Of the usage chunk: what the headers could not say yet.' },
      ),
    ),
  },
  { title: 'ChatChunk', examples: chunkExamples },
)

/** The JSON after `data:` of each event but the last, which reads `data: [DONE]`. */
export const ChatEventSchema = Type.Union(
  [
    ChatChunkSchema,
    Type.Object({ error: InnerErrorSchema }, { title: 'StreamError', description: 'Ends a stream without `[DONE]`.' }),
  ],
  {
    title: 'ChatEvent',
    description:
      'The JSON after `data:` of one event. A whole stream ends with `data: [DONE]`; comments (`: keep-alive`) are skipped.',
  },
)
