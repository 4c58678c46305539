import { Type } from 'typebox'
import { defineRoute, type Route } from '../../kernel/route.ts'

/** The document as it is sent. */
export interface ServedDocument {
  readonly text: string
  readonly etag: string
}

/** Browsers and proxies may keep it, and ask again whether it is still the same. */
const cacheControl = 'public, max-age=300, must-revalidate'

/** Whether one of the tags that the caller has is this one; a weak comparison (RFC 9110, section 13.1.2). */
const hasTag = (given: string | string[] | undefined, etag: string): boolean =>
  String(given ?? '')
    .split(',')
    .some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)

/** `GET /openapi.json`. */
export const referenceRoutes = (document: () => ServedDocument): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/openapi.json',
    access: 'public',
    summary: 'Describes this API in OpenAPI 3.1.',
    reference: {
      operationId: 'getApiDescription',
      tag: 'Reference',
      answer: Type.Object({ openapi: Type.String() }, { description: 'An OpenAPI 3.1 document.' }),
      otherAnswers: { 304: { description: 'The caller has it already: `If-None-Match` named its `ETag`.' } },
    },
    handle: ({ headers }) => {
      const { text, etag } = document()
      const answerHeaders = { etag, 'cache-control': cacheControl }
      const known = hasTag(headers['if-none-match'], etag)
      return {
        kind: 'bytes',
        status: known ? 304 : 200,
        contentType: 'application/json; charset=utf-8',
        bytes: known ? '' : text,
        headers: answerHeaders,
      }
    },
  }),
]
