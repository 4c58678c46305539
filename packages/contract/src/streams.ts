import { Type } from 'typebox'

/** Path of a kept stream. */
export const StreamPathSchema = Type.Object({
  stream_id: Type.String({
    description: 'From `x-headgate-stream` of the answer that began it.',
    examples: ['stm_01J8ZQ6T3V9XK2M4N7P0R5S8WB'],
  }),
})

/** Where a reader goes on. */
export const StreamQuerySchema = Type.Object({
  starting_after: Type.Optional(
    Type.String({
      maxLength: 15,
      pattern: '^\\d+$',
      description: 'Id of the last event that the reader has; `Last-Event-ID` says the same.',
    }),
  ),
  key: Type.Optional(
    Type.String({ description: 'A publishable key, for readers that can send no header, such as `EventSource`.' }),
  ),
})

/** How a kept stream stands. */
export const StreamSchema = Type.Object(
  {
    object: Type.Literal('stream'),
    id: Type.String(),
    status: Type.Enum(['running', 'completed', 'failed', 'cancelled']),
    last_event_id: Type.Integer({ minimum: 0, description: 'Of its last event.' }),
    error: Type.Union([Type.String(), Type.Null()], {
      description: 'Code of the error that its last event tells; null where it is whole, or still runs.',
    }),
  },
  { additionalProperties: false, title: 'Stream' },
)
