import { createEventReader, type EventReader } from '../../../kernel/event-reader.ts'
import { malformedStream } from './malformed-stream.ts'

/** Reads server-sent events of a provider's. */
export const createSseReader = (): EventReader =>
  createEventReader(() => malformedStream('One event of the stream exceeds 1 MiB.'))
