import type { IncomingHttpHeaders } from 'node:http'
import { header } from '@headgate/contract/headers.ts'
import type { CacheWish } from '../../domain/cached-answer.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import { AppError } from '../../kernel/errors.ts'

/** What is cached, and for how long. */
export interface CacheRules {
  /** Models whose answers are cached without being asked to; `*`: all. */
  readonly models: readonly string[]
  readonly operations: readonly string[]
  readonly maxAgeMs: number
  readonly staleMs: number
  /** Most of both together. */
  readonly longestMs: number
}

const invalid = (message: string): AppError =>
  new AppError('invalid_parameter', {
    details: [
      {
        location: header.cache,
        message: `${header.cache} ${message}`,
        fix: `Send ${header.cache}: on, off or refresh, and after it max-age=60, stale=30, shared or tools as you need them.`,
      },
    ],
  })

const readSeconds = (text: string | undefined, name: string): number => {
  if (text === undefined || !/^\d{1,9}$/.test(text)) throw invalid(`must name whole seconds in ${name}`)
  return Number(text) * 1_000
}

/**
 * Reads whether a call may be answered by an answer given before: as `x-headgate-cache` says, else as the model is configured. Null where
 * it may not; most calls pay for it with one look at a header.
 * @throws AppError `invalid_parameter`
 */
export const createCacheWish = (rules: CacheRules) => {
  const all = rules.models.includes('*')
  const isCached = ({ model, operation }: InferenceRequest): boolean =>
    (all || rules.models.includes(model)) && rules.operations.includes(operation)
  return (headers: IncomingHttpHeaders, request: InferenceRequest): Omit<CacheWish, 'renew'> | null => {
    const asked = headers[header.cache] as string | undefined
    if (asked === undefined && (rules.models.length === 0 || !isCached(request))) return null
    const [mode = 'on', ...directives] = (asked ?? 'on').split(',').map((part) => part.trim().toLowerCase())
    let { maxAgeMs, staleMs } = rules
    let isShared = false
    let withTools = false
    for (const directive of directives) {
      const [name, value] = directive.split('=', 2)
      if (name === 'max-age') maxAgeMs = readSeconds(value, name)
      else if (name === 'stale') staleMs = readSeconds(value, name)
      else if (directive === 'shared') isShared = true
      else if (directive === 'tools') withTools = true
      else throw invalid(`knows no ${JSON.stringify(directive.slice(0, 40))}`)
    }
    if (mode !== 'on' && mode !== 'off' && mode !== 'refresh') throw invalid('must begin with on, off or refresh')
    if (mode === 'off' || !rules.operations.includes(request.operation)) return null
    const most = Math.min(maxAgeMs, rules.longestMs)
    return { mode, maxAgeMs: most, staleMs: Math.min(staleMs, rules.longestMs - most), isShared, withTools }
  }
}
