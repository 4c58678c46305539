import { type ErrorCode, errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import { type ErrorBody, messagesErrorTypes } from '@headgate/contract/errors/body.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { expect } from 'vitest'

const text = Type.String({ minLength: 1 })

/**
 * RFC 9457 problem details with OpenAI's error object as an extension member, closed: nothing else may leak. On the Messages
 * routes `type` and `request_id` stand where Anthropic's clients look for them.
 */
const shape = Compile(
  Type.Object(
    {
      type: Type.String({ pattern: '^(error|https?://[^/]+(/.*)?/docs/errors/[a-z0-9-]+)$' }),
      request_id: Type.Optional(text),
      title: text,
      status: Type.Integer({ minimum: 400, maximum: 599 }),
      detail: text,
      instance: Type.String({ pattern: '^/requests/[A-Za-z0-9._-]{1,128}$' }),
      'violated-policies': Type.Optional(Type.Array(text)),
      error: Type.Object(
        {
          message: text,
          type: text,
          code: text,
          param: Type.Union([text, Type.Null()]),
          id: Type.String({ pattern: '^HG-\\d{4}$' }),
          doc_url: text,
          request_id: text,
          retryable: Type.Boolean(),
          retry_after_ms: Type.Union([Type.Number({ minimum: 1_000, maximum: 60_000 }), Type.Null()]),
          details: Type.Array(
            Type.Object({ location: text, message: text, fix: Type.Optional(text) }, { additionalProperties: false }),
          ),
          params: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
        },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false },
  ),
)

/** What must never stand in an error (ASVS 16.5.1): stacks, SQL, paths of this machine, key material. */
const secrets =
  /\bat \S+ \(|node:internal|\.ts:\d+|\/packages\/|\b(SELECT|INSERT|UPDATE) |postgres(ql)?:\/\/|ECONN|hg_[sp]k_/

/** An answer however it was got. */
export interface AnsweredError {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

const messagesType = (status: number): string =>
  (messagesErrorTypes as Readonly<Record<number, string>>)[status] ??
  (status < 500 ? 'invalid_request_error' : 'api_error')

/** Checks every rule of one error answer and gives its error object. */
export const expectError = (answer: AnsweredError, code?: ErrorCode | readonly ErrorCode[]): ErrorBody['error'] => {
  const body = JSON.parse(answer.text) as ErrorBody
  expect([...shape.Errors(body)].map(({ instancePath, message }) => `${instancePath} ${message}`)).toEqual([])
  const { error } = body
  const entry = errorCatalogue[error.code]
  if (code !== undefined) expect([code].flat(), answer.text).toContain(error.code)
  expect(answer.status).toBe(entry.http)
  expect(body.status).toBe(entry.http)
  const isMessages = body.type === 'error'
  const type = isMessages ? messagesType(entry.http) : entry.type
  expect(error).toMatchObject({ id: entry.id, type, message: body.detail })
  expect(body.request_id).toBe(isMessages ? error.request_id : undefined)
  if (!isMessages) expect(error.doc_url).toBe(body.type)
  expect(error.doc_url.endsWith(`/docs/errors/${error.code.replaceAll('_', '-')}`)).toBe(true)
  expect(answer.headers.get('x-request-id')).toBe(error.request_id)
  expect(body.instance).toBe(`/requests/${error.request_id}`)
  expect(error.param).toBe(error.details[0]?.location ?? null)
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  expect(answer.text).not.toMatch(secrets)
  expect(error.retryable).toBe(answer.headers.get('x-should-retry') === 'false' ? false : entry.retryable !== 'no')
  const wait = answer.headers.get('retry-after')
  if (wait !== null) {
    expect(Number(wait)).toBeGreaterThanOrEqual(1)
    expect(Number(wait)).toBeLessThanOrEqual(60)
    expect(error.retry_after_ms).toBe(Number(answer.headers.get('retry-after-ms')))
  }
  return error
}

/** The same for an answer of `fetch`. */
export const expectFetchedError = async (response: Response, code?: ErrorCode | readonly ErrorCode[]) =>
  expectError({ status: response.status, headers: response.headers, text: await response.text() }, code)
