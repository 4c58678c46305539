import { Type } from 'typebox'
import { count, ModelNameSchema, nullable, UserSchema } from './inference.ts'

const ItemSchema = Type.Object(
  {
    type: Type.Optional(
      Type.String({ description: '`message`, `function_call`, `function_call_output`, `reasoning`.' }),
    ),
  },
  { title: 'ResponseItem' },
)

/**
 * Body of `POST /v1/responses`: the members that decide routing, limits and money, and the common rest of OpenAI’s Responses
 * protocol. For the reference; `gateway/responses/request.ts` reads it.
 */
export const ResponsesRequestSchema = Type.Object(
  {
    model: ModelNameSchema,
    input: Type.Union([Type.String(), Type.Array(ItemSchema, { minItems: 1 })], {
      description: 'Text, or items of the conversation.',
    }),
    instructions: Type.Optional(nullable(Type.String(), { description: 'What the model shall be.' })),
    previous_response_id: Type.Optional(
      nullable(Type.String({ maxLength: 64 }), { description: 'Goes on from a response that is kept.' }),
    ),
    store: Type.Optional(nullable(Type.Boolean(), { description: 'Keep the response; so it is when absent.' })),
    background: Type.Optional(
      nullable(Type.Boolean(), { description: 'Answer at once; the response is made whether anybody waits or not.' }),
    ),
    stream: Type.Optional(nullable(Type.Boolean(), { description: 'Answer with server-sent events.' })),
    max_output_tokens: Type.Optional(
      nullable(Type.Integer({ minimum: 1, maximum: 10_000_000 }), {
        description: 'Most tokens of the answer; what a budget reserves.',
      }),
    ),
    metadata: Type.Optional(nullable(Type.Object({}), { description: 'Up to 16 names with texts, told again.' })),
    tools: Type.Optional(
      Type.Array(
        Type.Object({ type: Type.String({ description: '`function`.' }), name: Type.Optional(Type.String()) }),
      ),
    ),
    tool_choice: Type.Optional(Type.Union([Type.String(), Type.Object({})])),
    parallel_tool_calls: Type.Optional(nullable(Type.Boolean())),
    text: Type.Optional(Type.Object({}, { description: '`format`: text, `json_object` or a `json_schema`.' })),
    reasoning: Type.Optional(nullable(Type.Object({}), { description: '`effort`.' })),
    temperature: Type.Optional(nullable(Type.Number())),
    top_p: Type.Optional(nullable(Type.Number())),
    user: UserSchema,
    strict: Type.Optional(
      Type.Boolean({ description: 'Refuse what the target cannot be given, instead of a warning.' }),
    ),
  },
  { title: 'ResponsesRequest', examples: [{ model: 'demo', input: 'Hello' }] },
)

/** A response: what was asked for is said again, and what it has come to. */
export const ResponseSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.String({ description: '`response`.' }),
    created_at: Type.Integer({ description: 'Seconds since the epoch.' }),
    status: Type.String({ description: '`in_progress`, `completed`, `incomplete`, `failed` or `cancelled`.' }),
    background: Type.Boolean(),
    error: nullable(Type.Object({ code: Type.String(), message: Type.String() })),
    incomplete_details: nullable(Type.Object({ reason: Type.String() })),
    model: Type.String(),
    output: Type.Array(Type.Object({ type: Type.String(), id: Type.String() })),
    previous_response_id: nullable(Type.String()),
    store: Type.Boolean(),
    usage: nullable(Type.Object({ input_tokens: count, output_tokens: count, total_tokens: count })),
  },
  { title: 'Response' },
)

/** The JSON of an event: its `type`, such as `response.output_text.delta`, and its number from 0. */
export const ResponseEventSchema = Type.Object(
  { type: Type.String(), sequence_number: Type.Optional(count) },
  { title: 'ResponseEvent' },
)

/** Path of a kept response. */
export const ResponsePathSchema = Type.Object({
  response_id: Type.String({ examples: ['resp_01J8ZQ6T3V9XK2M4N7P0R5S8WB'] }),
})

const flag = (description: string) =>
  Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')], { description }))
const include = {
  include: Type.Optional(Type.String({ description: 'Taken, and without effect: everything is told.' })),
  'include[]': Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())], { description: 'As `include`.' })),
}

/** How a response is read. */
export const ResponseQuerySchema = Type.Object({
  stream: flag('Read its events, as they come.'),
  starting_after: Type.Optional(
    Type.String({
      maxLength: 15,
      pattern: '^\\d+$',
      description: '`sequence_number` of the last event that the reader has.',
    }),
  ),
  include_obfuscation: flag('Taken, and without effect: nothing is padded.'),
  ...include,
})

/** A page of a response's input. */
export const InputItemsQuerySchema = Type.Object({
  limit: Type.Optional(Type.String({ pattern: '^([1-9]\\d?|100)$', description: 'Items of a page; 20 when absent.' })),
  order: Type.Optional(
    Type.Union([Type.Literal('asc'), Type.Literal('desc')], { description: 'Newest first, unless `asc`.' }),
  ),
  after: Type.Optional(Type.String({ maxLength: 128, description: 'Id of the last item that the reader has.' })),
  ...include,
})

/** Items that a response was made from. */
export const InputItemsSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(ItemSchema),
    first_id: nullable(Type.String()),
    last_id: nullable(Type.String()),
    has_more: Type.Boolean(),
  },
  { title: 'InputItems' },
)

/** What is told of a response that was deleted. */
export const ResponseDeletedSchema = Type.Object(
  { id: Type.String(), object: Type.Literal('response'), deleted: Type.Literal(true) },
  { title: 'ResponseDeleted' },
)
