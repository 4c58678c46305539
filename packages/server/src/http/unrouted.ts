import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../kernel/errors.ts'
import type { Route } from '../kernel/route.ts'

/** Answers a request with an error before any route has it. */
export type Refuse = (
  request: IncomingMessage,
  response: ServerResponse,
  error: AppError,
  extra?: Record<string, string>,
) => void

const pathPattern = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:[^/]+/g, '[^/]+')
      .replace(/\*$/, '.+')}$`,
  )

/** `/v1` routes are reachable without the prefix too, for clients whose base URL lacks it. */
export const pathsOf = (route: Route): string[] =>
  route.path.startsWith('/v1/') && route.prefixedOnly !== true ? [route.path, route.path.slice(3)] : [route.path]

/** What can be read can be asked for without its body. */
export const methodsOf = ({ method, isCostly }: Route): string[] =>
  method === 'GET' && isCostly !== true ? ['GET', 'HEAD'] : [method]

/** Makes what answers requests that no route takes: which methods the path knows, or that there is none. */
export const createUnrouted = (routes: readonly Route[], refuse: Refuse) => {
  const patterns = routes.flatMap((route) =>
    pathsOf(route).map((path) => ({ pattern: pathPattern(path), methods: methodsOf(route), route })),
  )
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url?.split('?')[0] ?? '/'
    const fitting = patterns.filter(({ pattern }) => pattern.test(path))
    const matching = fitting.flatMap(({ methods }) => methods)
    // A path that matches and yet was not routed has a parameter beyond the longest.
    if (matching.length === 0 || matching.includes(request.method as string))
      return refuse(request, response, new AppError('route_not_found'))
    const allow = [...new Set([...matching, 'OPTIONS'])].join(', ')
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { allow, ...fitting.find(({ route }) => route.optionsHeaders)?.route.optionsHeaders?.() })
      response.end()
      return
    }
    refuse(request, response, new AppError('method_not_allowed'), { allow })
  }
}
