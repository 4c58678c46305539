import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Handler } from './mount.ts'

/** Answers a request whose path has matched a route. */
export type Respond = (...given: Parameters<Handler>) => void

const noParameters = Object.freeze({})

/**
 * Hands POSTs to a fixed path without a query straight to their handlers, before the framework: what it adds to a request
 * (its own request and reply, hooks, the parsing of a content type) is a fifth of what the calls of models cost here, and
 * nothing of it is used there. Every other request goes the framework's way to the same handlers.
 * @returns what to call when the server closes: from then on connections end with their answers, as the framework does it.
 */
export const takePosts = (
  server: Server,
  posts: ReadonlyMap<string, Respond>,
  admit: (request: IncomingMessage, response: ServerResponse) => boolean,
): (() => void) => {
  let closing = false
  const framework = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const respond = request.method === 'POST' ? posts.get(request.url as string) : undefined
    if (respond === undefined) {
      for (const listener of framework) listener.call(server, request, response)
      return
    }
    if (closing) response.setHeader('connection', 'close')
    if (admit(request, response)) respond(request, response, noParameters, undefined)
  })
  return () => {
    closing = true
  }
}
