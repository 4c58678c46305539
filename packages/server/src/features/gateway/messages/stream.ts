import type { StreamSource } from '../../../domain/upstream.ts'
import { translatedStream } from '../translated-stream.ts'
import { MessageEvents } from './events.ts'

/** A chat completion stream on its way, as a Messages stream. */
export const asMessagesStream = (source: StreamSource): StreamSource => {
  const events = new MessageEvents()
  return translatedStream(source, (data) => events.take(data))
}
