import type { ServerResponse } from 'node:http'

/** A reader that takes nothing for this long is cut, so that it can hold neither memory nor a provider's stream. */
export const READER_STALL_MS = 60_000

/**
 * Cuts the connection of an answer that has ended, when its reader takes nothing of the rest for a minute. Where the
 * system took the answer whole, as it nearly always does, nothing is watched.
 */
export const cutWhenStalled = (response: ServerResponse, afterMs = READER_STALL_MS): void => {
  if (response.writableLength === 0) return
  // Node.js sees whether anything leaves, and destroys the socket when nothing did.
  response.setTimeout(afterMs)
  // Before Node.js sets the timeout of an idle connection: the next answer on this one may take its time.
  response.prependOnceListener('finish', () => response.socket?.setTimeout(0))
}
