import {
  RootCertificatesSchema,
  RootPathSchema,
  RootSchema,
  VerificationSchema,
  VerifyRequestSchema,
} from '@headgate/contract/provenance.ts'
import { type AdminInput, type CallerInput, defineRoute, type Route, type RouteInput } from '../../kernel/route.ts'
import type { OriginRecord, VerifyFindings } from './provenance.ports.ts'
import type { RootRow } from './provenance.store.ts'

interface Actor {
  readonly actor: string
  readonly requestId: string
}

interface ProvenanceRoutePorts {
  readonly verify: (project: string, form: Buffer, contentType: string) => Promise<VerifyFindings>
  readonly certificates: () => Promise<string>
  readonly rotate: (operator: Actor) => Promise<RootRow>
  readonly revoke: (version: number, operator: Actor) => Promise<RootRow>
  readonly maxFileBytes: number
}

const originView = ({ requestId, kind, sha256, model, provider, at }: OriginRecord) => ({
  ...{ id: requestId, kind, sha256, model, provider },
  created_at: new Date(at).toISOString(),
})

const rootView = ({ version, certificate, created_at: at, revoked_at: end }: RootRow) => ({
  object: 'provenance_root' as const,
  version,
  certificate,
  created_at: at.toISOString(),
  revoked_at: end?.toISOString() ?? null,
})

/** Declares the routes by which anybody can check what was signed here. */
export const provenanceRoutes = ({
  verify,
  certificates,
  rotate,
  revoke,
  maxFileBytes,
}: ProvenanceRoutePorts): Route[] => [
  defineRoute({
    method: 'POST',
    path: '/v1/verify',
    summary: 'Says whether a file is signed, by whom, whether it was changed since, and whether it was made here.',
    access: 'caller',
    browser: true,
    body: 'form',
    maxBodyBytes: maxFileBytes,
    reference: {
      operationId: 'verifyFile',
      tag: 'Provenance',
      description:
        'By the reference verifier of C2PA, under the roots of this Headgate. Nothing is fetched, and nothing of the file is kept. `origins` are the outputs of the key’s project, recorded where `provenance.record` names their kind, whose digest is the file’s, or whose request is `id` or begins as the mark in its pixels says. That mark shows who made a picture, not that it is unchanged.',
      body: VerifyRequestSchema,
      answer: VerificationSchema,
      errors: ['invalid_multipart', 'provenance_unavailable'],
    },
    handle: async ({ body, headers, exchange }: CallerInput) => {
      const { mark, origins, ...found } = await verify(
        exchange.caller.projectId,
        body as Buffer,
        headers['content-type'] as string,
      )
      return {
        kind: 'json',
        value: { object: 'verification', ...found, invisible_mark: mark, origins: origins.map(originView) },
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/v1/provenance/roots',
    summary: 'Gives the root certificates under which this Headgate signs, the newest first.',
    access: 'public',
    reference: {
      operationId: 'getProvenanceRoots',
      tag: 'Provenance',
      answer: RootCertificatesSchema,
      contentType: 'application/x-pem-file',
    },
    handle: async (_input: RouteInput) => ({
      kind: 'bytes',
      contentType: 'application/x-pem-file',
      bytes: await certificates(),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/provenance/roots',
    summary: 'Makes a new root; what was signed under former ones stays trusted.',
    access: 'admin',
    permission: 'config:write',
    reference: { operationId: 'makeProvenanceRoot', tag: 'Provenance', answer: RootSchema, status: 201 },
    handle: async ({ actor, requestId }: AdminInput) => ({
      kind: 'json',
      status: 201,
      value: rootView(await rotate({ actor, requestId })),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/provenance/roots/:version/revoke',
    summary: 'Takes the trust from a root whose key became known to others, and from all that was signed under it.',
    access: 'admin',
    permission: 'config:write',
    reference: {
      operationId: 'revokeProvenanceRoot',
      tag: 'Provenance',
      description:
        'It leaves `GET /v1/provenance/roots` at once; every replica signs under another within 5 seconds, made here where none is left. What was signed stays, and is told as not trusted.',
      params: RootPathSchema,
      answer: RootSchema,
      errors: ['resource_not_found'],
    },
    handle: async ({ actor, requestId, params }: AdminInput) => {
      const text = params['version'] ?? ''
      const version = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0
      return { kind: 'json', value: rootView(await revoke(version, { actor, requestId })) }
    },
  }),
]
