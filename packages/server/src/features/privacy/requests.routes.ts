import { type Page, type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import {
  type AskPrivacy,
  AskPrivacySchema,
  type AskPrivacySelf,
  AskPrivacySelfSchema,
  ExportArchiveSchema,
  ExportLinkSchema,
  ExportPathSchema,
  type ExtendPrivacyRequest,
  ExtendPrivacyRequestSchema,
  type PrivacyRequest,
  PrivacyRequestPageQuerySchema,
  PrivacyRequestPageSchema,
  PrivacyRequestPathSchema,
  PrivacyRequestSchema,
  PrivacySelfPageQuerySchema,
} from '@headgate/contract/privacy-requests.ts'
import { header } from '@headgate/contract/headers.ts'
import { Type } from 'typebox'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { ErasurePorts } from './erasures.ts'
import { selfOf } from './privacy.routes.ts'
import type { Requests } from './requests.ts'

const DEFAULT_PAGE = 20

const paged = async (
  { after, limit }: PageQuery,
  list: (after: string | null, limit: number) => Promise<PrivacyRequest[]>,
): Promise<Page<PrivacyRequest>> => {
  const most = Number(limit ?? DEFAULT_PAGE)
  return pageOf(
    await list(after ?? null, most + 1),
    most,
    ({ id }) => id,
    (row) => row,
  )
}

/** What people ask for of their own data. */
export const selfRequestRoutes = (requests: Requests): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/v1/privacy/requests',
    access: 'caller',
    browser: true,
    summary: 'Asks for one’s own data, or that it goes: of the person of the token, or of `x-headgate-user`.',
    body: AskPrivacySelfSchema,
    reference: {
      operationId: 'askPrivacySelf',
      tag: 'Privacy',
      description:
        'An archive is made in the background. While one is under way, or for an hour after, asking again gives the same request.',
      answer: PrivacyRequestSchema,
      errors: ['person_missing'],
    },
    handle: async ({ exchange, body, requestId }) => {
      const { subject_request_type: kind, law = 'gdpr' } = body as AskPrivacySelf
      const by = { actor: `caller/${exchange.caller.keyId}`, requestId }
      return { kind: 'json', value: await requests.begin(selfOf(exchange), { kind, law, isSelf: true }, by) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/privacy/requests',
    access: 'caller',
    browser: true,
    summary: 'Lists one’s own requests, the newest first.',
    query: PrivacySelfPageQuerySchema,
    reference: {
      operationId: 'listPrivacySelf',
      tag: 'Privacy',
      answer: PrivacyRequestPageSchema,
      errors: ['person_missing'],
    },
    handle: async ({ exchange, query }) => {
      const person = selfOf(exchange)
      const value = await paged(query as PageQuery, (after, limit) =>
        requests.list(person.project, person, after, limit),
      )
      return { kind: 'json', value }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/privacy/requests/:privacy_request_id',
    access: 'caller',
    browser: true,
    summary: 'Shows one of one’s own requests.',
    reference: {
      operationId: 'getPrivacySelf',
      tag: 'Privacy',
      params: PrivacyRequestPathSchema,
      answer: PrivacyRequestSchema,
      errors: ['person_missing', 'privacy_request_not_found'],
    },
    handle: async ({ exchange, params }) => ({
      kind: 'json',
      value: await requests.find(selfOf(exchange), params['privacy_request_id'] ?? ''),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/v1/privacy/requests/:privacy_request_id/link',
    access: 'caller',
    browser: true,
    summary: 'Makes a link to the archive of one’s own data.',
    body: Type.Object({}, { additionalProperties: false }),
    reference: {
      operationId: 'linkPrivacySelf',
      tag: 'Privacy',
      params: PrivacyRequestPathSchema,
      answer: ExportLinkSchema,
      errors: ['person_missing', 'privacy_request_not_found', 'export_not_ready'],
    },
    handle: async ({ exchange, params }) => ({
      kind: 'json',
      value: await requests.link(selfOf(exchange), params['privacy_request_id'] ?? ''),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/privacy/exports/:export_token',
    access: 'public',
    summary: 'The archive that a link opens.',
    reference: {
      operationId: 'getPrivacyExport',
      tag: 'Privacy',
      params: ExportPathSchema,
      answer: ExportArchiveSchema,
      contentType: 'application/zip',
      answerHeaders: [header.contentDisposition],
      errors: ['export_link_invalid', 'asset_store_unavailable', 'database_unavailable'],
    },
    handle: async ({ params }) => {
      const { bytes, id, pieces } = await requests.open(params['export_token'] ?? '')
      return {
        kind: 'file',
        contentType: 'application/zip',
        pieces,
        headers: {
          'content-length': String(bytes),
          [header.contentDisposition]: `attachment; filename="${id}.zip"`,
          'cache-control': 'private, no-store',
          'x-content-type-options': 'nosniff',
        },
        release: () => {},
      }
    },
  }),
]

/** What operators do with the requests of people. */
export const adminRequestRoutes = (
  requests: Requests,
  /** Writes down that somebody can read what a person has. */
  noteLink: (
    entry: Omit<Parameters<ErasurePorts['record']>[1], 'action'> & { readonly project: string },
  ) => Promise<void>,
): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/admin/v1/privacy/requests',
    access: 'admin',
    permission: 'privacy:write',
    summary: 'Takes down what a person asks for, in the words of OpenDSR, and begins to answer it.',
    body: AskPrivacySchema,
    reference: { operationId: 'askPrivacy', tag: 'Privacy', answer: PrivacyRequestSchema },
    handle: async ({ body, actor, requestId }) => {
      const { project, subject_identities: identities, law = 'gdpr', reason, ...asked } = body as AskPrivacy
      const person = { project, user: identities[0]?.identity_value ?? '' }
      const value = await requests.begin(
        person,
        {
          ...{ kind: asked.subject_request_type, law, isSelf: false },
          ...(asked.subject_request_id !== undefined && { askerId: asked.subject_request_id }),
        },
        { actor, requestId, ...(reason !== undefined && { reason }) },
      )
      return { kind: 'json', value }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/requests',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'Lists what people asked for, with what is due when, the newest first.',
    query: PrivacyRequestPageQuerySchema,
    reference: { operationId: 'listPrivacyRequests', tag: 'Privacy', answer: PrivacyRequestPageSchema },
    handle: async ({ query }) => {
      const asked = query as PageQuery
      return {
        kind: 'json',
        value: await paged(asked, (after, limit) => requests.list(asked.project ?? null, null, after, limit)),
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/privacy/requests/:privacy_request_id',
    access: 'admin',
    permission: 'privacy:read',
    summary: 'Shows what a person asked for, and how far it is.',
    reference: {
      operationId: 'getPrivacyRequest',
      tag: 'Privacy',
      params: PrivacyRequestPathSchema,
      answer: PrivacyRequestSchema,
      errors: ['privacy_request_not_found'],
    },
    handle: async ({ params }) => ({
      kind: 'json',
      value: await requests.find(null, params['privacy_request_id'] ?? ''),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/privacy/requests/:privacy_request_id/extend',
    access: 'admin',
    permission: 'privacy:write',
    summary: 'Gives a request longer, once, as far as its law allows; the person has to be told why.',
    body: ExtendPrivacyRequestSchema,
    reference: {
      operationId: 'extendPrivacyRequest',
      tag: 'Privacy',
      params: PrivacyRequestPathSchema,
      answer: PrivacyRequestSchema,
      errors: ['privacy_request_not_found', 'privacy_request_not_open'],
    },
    handle: async ({ params, body, actor, requestId }) => {
      const { reason } = body as ExtendPrivacyRequest
      const by = { actor, requestId, reason }
      return { kind: 'json', value: await requests.extend(params['privacy_request_id'] ?? '', by) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/privacy/requests/:privacy_request_id/link',
    access: 'admin',
    permission: 'privacy:write',
    summary: 'Makes a link to the archive of a person’s data; the audit tells who did.',
    body: Type.Object({}, { additionalProperties: false }),
    reference: {
      operationId: 'linkPrivacyRequest',
      tag: 'Privacy',
      params: PrivacyRequestPathSchema,
      answer: ExportLinkSchema,
      errors: ['privacy_request_not_found', 'export_not_ready'],
    },
    handle: async ({ params, actor, requestId }) => {
      const id = params['privacy_request_id'] ?? ''
      const value = await requests.link(null, id, (project) =>
        noteLink({ actor, resource: `privacy_request/${id}`, project, requestId }),
      )
      return { kind: 'json', value }
    },
  }),
]
