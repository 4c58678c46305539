import { type ErrorCode, errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import { idempotencyErrors } from '@headgate/contract/errors/idempotency.ts'
import { peopleErrors } from '@headgate/contract/errors/people.ts'
import type { Route, RouteReference } from '../kernel/route.ts'
import { AppError } from '../kernel/errors.ts'
import { createFail } from './fail.ts'
import { isRepeatable } from './idempotency-key.ts'
import { headerReferences, limitHeaders, retryHeaders } from './openapi-headers.ts'
import type { Members } from './openapi-schemas.ts'

/** A route of the API, as against a page for people. */
export type DescribedRoute = Route & { readonly reference: RouteReference }

const always: readonly ErrorCode[] = ['bad_http', 'request_timeout', 'internal_error']
const ofCallers: readonly ErrorCode[] = [
  'api_key_missing',
  'invalid_api_key',
  'api_key_expired',
  'api_key_revoked',
  'address_denied',
  'country_denied',
  'invalid_parameter',
  'rate_limit_exceeded',
  'database_unavailable',
  'encryption_root_unavailable',
  'content_erased',
  'server_draining',
]
const ofPeople = Object.keys(peopleErrors) as (keyof typeof peopleErrors)[]
const ofNames = Object.keys(idempotencyErrors) as (keyof typeof idempotencyErrors)[]
const ofOperators: readonly ErrorCode[] = [
  'api_key_missing',
  'invalid_api_key',
  'admin_key_required',
  'session_invalid',
  'session_expired',
  'session_revoked',
  'permission_missing',
  'invalid_parameter',
  'unknown_parameter',
  'rate_limit_exceeded',
  'database_unavailable',
  'encryption_root_unavailable',
  'content_erased',
]
const ofBodies: readonly ErrorCode[] = [
  'invalid_json',
  'invalid_parameter',
  'json_too_deep',
  'invalid_encoding',
  'unsupported_media_type',
  'request_too_large',
]

/** Every error that a route can answer with: what its access, query and body imply, and its own. */
export const errorsOf = (route: DescribedRoute): readonly ErrorCode[] => {
  const codes = new Set<ErrorCode>(always)
  const add = (more: readonly ErrorCode[]) => more.forEach((code) => codes.add(code))
  if (route.access === 'caller') {
    add(ofCallers)
    add(ofPeople)
    if (route.browser) add(['origin_not_allowed', 'request_exceeds_limit'])
    if (route.browser !== true) add(['secret_key_required'])
  }
  if (route.access === 'admin') add(ofOperators)
  if (isRepeatable(route)) add(ofNames)
  if (route.query) add(['invalid_parameter', 'unknown_parameter'])
  if (route.body === 'stream') add(['unsupported_media_type', 'request_too_large'])
  else if (route.body) add(ofBodies)
  if (typeof route.body === 'object') add(['unknown_parameter'])
  add(route.reference.errors ?? [])
  return [...codes].sort((left, right) => (errorCatalogue[left].id < errorCatalogue[right].id ? -1 : 1))
}

/** Writes the error answers of routes: each once, under `components/responses`, however many routes share it. */
export const createErrorWriter = () => {
  const components = new Map<string, Members>()
  const seen = new Set<ErrorCode>()

  const write = (status: number, codes: readonly ErrorCode[], limited: boolean): Members => {
    const numbers = codes.map((code) => errorCatalogue[code].id.slice(3))
    const name = `${status}.${numbers.join('-')}${limited ? '.limited' : ''}`
    codes.forEach((code) => seen.add(code))
    if (!components.has(name)) components.set(name, answerWith(status, codes, limited))
    return { $ref: `#/components/responses/${name}` }
  }

  /** By status; each answer names the codes it may carry. */
  const answers = (route: DescribedRoute): Members => {
    const byStatus = new Map<number, ErrorCode[]>()
    for (const code of errorsOf(route)) {
      const { http } = errorCatalogue[code]
      byStatus.set(http, [...(byStatus.get(http) ?? []), code])
    }
    return Object.fromEntries(
      [...byStatus].map(([status, codes]) => [status, write(status, codes, route.access !== 'public')]),
    )
  }
  return {
    answers,
    responses: (): Members => Object.fromEntries([...components].sort(([left], [right]) => (left < right ? -1 : 1))),
    examples: (): Members => errorExamples(seen),
  }
}

const answerWith = (status: number, codes: readonly ErrorCode[], limited: boolean): Members => ({
  description: codes.map((code) => `- \`${code}\`: ${errorCatalogue[code].title}.`).join('\n'),
  headers: headerReferences(['x-request-id', ...(limited ? limitHeaders : []), ...retryHeaders]),
  content: {
    'application/json': {
      schema: {
        allOf: [
          { $ref: '#/components/schemas/Error' },
          {
            type: 'object',
            properties: {
              status: { const: status },
              error: { type: 'object', properties: { code: { type: 'string', enum: codes } } },
            },
          },
        ],
      },
      examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
    },
  },
})

/** `components/examples`: one body per error of the catalogue, as `fail.ts` writes it. */
const errorExamples = (codes: ReadonlySet<ErrorCode>): Members => {
  const fail = createFail(() => 'https://headgate.example.org')
  const written = (code: ErrorCode) => {
    const { body } = fail.present(new AppError(code), 'req_01KG9V6V80Q3M5YJ8T2N4R7WXA')
    // The wait is drawn by lot.
    const wait = body.error.retry_after_ms === null ? null : 1_000
    return { summary: errorCatalogue[code].title, value: { ...body, error: { ...body.error, retry_after_ms: wait } } }
  }
  return Object.fromEntries([...codes].sort().map((code) => [code, written(code)]))
}
