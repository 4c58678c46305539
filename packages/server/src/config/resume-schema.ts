import { Type } from 'typebox'
import { count, group, milliseconds } from './schema-parts.ts'

/** Streams that are kept for readers who come back. */
export const ResumeSchema = group(
  {
    stream_bytes: count('Most bytes kept of one stream; the oldest events go first.', 4_194_304),
    total_bytes: count(
      'Most bytes kept of all streams by one process. Streams that have ended give way to newer ones; where that is not enough, new ones are not kept.',
      134_217_728,
    ),
    keep_minutes: Type.Integer({
      minimum: 10,
      maximum: 1_440,
      default: 15,
      description: 'Minutes that a stream is kept after its end.',
    }),
    continue_after_cut: Type.Boolean({
      default: false,
      description:
        'When a provider breaks off, another target of the route goes on from the text so far, as a call and a row of its own.',
    }),
    linger_ms: milliseconds('How long a stream goes on that nobody reads.', 30_000),
  },
  'Streams that can be resumed, as `x-headgate-resume` asks for.',
)
