import { ChatEventSchema } from '@headgate/contract/chat.ts'
import { StreamPathSchema, StreamQuerySchema, StreamSchema } from '@headgate/contract/streams.ts'
import { AppError } from '../../kernel/errors.ts'
import { type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import { holderOf, readCursor } from './resume-header.ts'
import type { Streams, StreamStanding } from './streams.ports.ts'

const viewStanding = ({ id, state, last, code }: StreamStanding) => ({
  object: 'stream' as const,
  id,
  status: state,
  last_event_id: last,
  error: code,
})

/** `/v1/streams/{id}`: reading a stream again, and ending it. */
export const streamRoutes = ({ attach, cancel }: Pick<Streams, 'attach' | 'standing' | 'cancel'>): Route[] => {
  const idOf = ({ params }: CallerInput): string => params['stream_id'] as string
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/streams/:stream_id',
      summary: 'Reads a stream from where a reader has come to.',
      access: 'caller',
      browser: true,
      keyInQuery: true,
      isCostly: true,
      query: StreamQuerySchema,
      reference: {
        operationId: 'getStream',
        tag: 'Chat',
        description:
          'What comes after the event of `Last-Event-ID` or `starting_after`, as it comes; from the beginning without either. Any number of ' +
          'readers may follow one stream, each for themselves, on any replica where replicas share a Redis. Nothing is charged for it. Only who ' +
          'asked for the stream can read it, with the same key and for the same user.',
        params: StreamPathSchema,
        answer: ChatEventSchema,
        contentType: 'text/event-stream',
        otherAnswers: { 204: { description: 'The stream has ended and the reader has all of it.' } },
        errors: ['stream_not_found', 'streams_unavailable', 'method_not_allowed'],
      },
      handle: async (input) => {
        const source = await attach(idOf(input), holderOf(input.exchange), readCursor(input))
        if (source === null) throw new AppError('stream_not_found')
        if (source === 'over') return { kind: 'bytes', status: 204, contentType: 'text/event-stream', bytes: '' }
        return { kind: 'events', stream: Promise.resolve(source) }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/streams/:stream_id/cancel',
      summary: 'Ends a stream that is kept, wherever it runs.',
      access: 'caller',
      browser: true,
      reference: {
        operationId: 'cancelStream',
        tag: 'Chat',
        description:
          'The provider is told to stop, and every reader gets the error `stream_cancelled`. What has come so far can still be read. A stream that has ' +
          'ended stays as it is, so that a second cancel is harmless.',
        params: StreamPathSchema,
        answer: StreamSchema,
        errors: ['stream_not_found', 'streams_unavailable'],
      },
      handle: async (input) => {
        const found = await cancel(idOf(input), holderOf(input.exchange))
        if (found === null) throw new AppError('stream_not_found')
        return { kind: 'json', value: viewStanding(found) }
      },
    }),
  ]
}
