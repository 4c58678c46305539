import { type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import {
  ConsentEntrySchema,
  ConsentHistoryPageSchema,
  type ConsentPersonQuery,
  ConsentPersonQuerySchema,
  ConsentSelfQuerySchema,
  ConsentStatesSchema,
  type ConsentState,
  ConsentUserQuerySchema,
  GpcSupportSchema,
  type NoteConsent,
  type NoteConsentFor,
  NoteConsentForSchema,
  NoteConsentSchema,
} from '@headgate/contract/privacy-consents.ts'
import { defineRoute, type Route } from '../../../kernel/route.ts'
import type { Person } from '../erasures.store.ts'
import { selfOf } from '../privacy.routes.ts'
import type { Consents } from './consents.ts'

const DEFAULT_PAGE = 20

const listOf = (data: ConsentState[]) => ({ object: 'list' as const, data, has_more: false, next_cursor: null })

/** What people agree to: said by themselves, and by operators for them. */
export const consentRoutes = (
  consents: Pick<Consents, 'note' | 'state' | 'history'>,
  /** Whether the signal of browsers ends anything here. */
  headsGpc: () => boolean,
): Route[] => {
  const history = async (person: Person, { after, limit }: PageQuery) => {
    const most = Number(limit ?? DEFAULT_PAGE)
    return pageOf(
      await consents.history(person, after ?? null, most + 1),
      most,
      ({ id }) => id,
      (row) => row,
    )
  }
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/consents',
      access: 'caller',
      browser: true,
      summary: 'Notes what the person who asks agrees to, or withdraws.',
      body: NoteConsentSchema,
      reference: {
        operationId: 'noteConsentSelf',
        tag: 'Privacy',
        answer: ConsentEntrySchema,
        errors: ['person_missing', 'invalid_parameter'],
      },
      handle: async ({ exchange, body, requestId }) => ({
        kind: 'json',
        value: await consents.note(selfOf(exchange), body as NoteConsent, 'person', {
          actor: `caller/${exchange.caller.keyId}`,
          requestId,
        }),
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/consents',
      access: 'caller',
      browser: true,
      summary: 'How each purpose stands for the person who asks.',
      reference: {
        operationId: 'getConsentsSelf',
        tag: 'Privacy',
        answer: ConsentStatesSchema,
        errors: ['person_missing'],
      },
      handle: async ({ exchange }) => ({
        kind: 'json',
        value: listOf(await consents.state(selfOf(exchange), exchange.optsOut === true)),
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/consents/history',
      access: 'caller',
      browser: true,
      summary: 'Lists everything that the person who asks has said, the newest first.',
      query: ConsentSelfQuerySchema,
      reference: {
        operationId: 'listConsentsSelf',
        tag: 'Privacy',
        answer: ConsentHistoryPageSchema,
        errors: ['person_missing'],
      },
      handle: async ({ exchange, query }) => ({
        kind: 'json',
        value: await history(selfOf(exchange), query as PageQuery),
      }),
    }),
    defineRoute({
      method: 'POST',
      path: '/admin/v1/privacy/consents',
      access: 'admin',
      permission: 'privacy:write',
      summary: 'Notes what somebody agreed to elsewhere, or withdrew.',
      body: NoteConsentForSchema,
      reference: {
        operationId: 'noteConsent',
        tag: 'Privacy',
        answer: ConsentEntrySchema,
        errors: ['invalid_parameter'],
      },
      handle: async ({ body, actor, requestId }) => {
        const { project, user, ...given } = body as NoteConsentFor
        return { kind: 'json', value: await consents.note({ project, user }, given, 'operator', { actor, requestId }) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/privacy/consents',
      access: 'admin',
      permission: 'privacy:read',
      summary: 'How each purpose stands for somebody.',
      query: ConsentUserQuerySchema,
      reference: { operationId: 'getConsents', tag: 'Privacy', answer: ConsentStatesSchema },
      handle: async ({ query }) => {
        const { project, user } = query as ConsentPersonQuery
        return { kind: 'json', value: listOf(await consents.state({ project, user }, false)) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/admin/v1/privacy/consents/history',
      access: 'admin',
      permission: 'privacy:read',
      summary: 'Lists everything that somebody has said, the newest first.',
      query: ConsentPersonQuerySchema,
      reference: { operationId: 'listConsents', tag: 'Privacy', answer: ConsentHistoryPageSchema },
      handle: async ({ query }) => {
        const { project, user, ...page } = query as unknown as ConsentPersonQuery & PageQuery
        return { kind: 'json', value: await history({ project, user }, page) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/.well-known/gpc.json',
      access: 'public',
      summary: 'Says that `Sec-GPC` is heeded here (Global Privacy Control).',
      reference: { operationId: 'getGpcSupport', tag: 'Privacy', answer: GpcSupportSchema },
      handle: async () => ({ kind: 'json', value: { gpc: headsGpc() } }),
    }),
  ]
}
