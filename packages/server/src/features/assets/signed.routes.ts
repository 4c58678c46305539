import {
  AssetContentSchema,
  AssetPathSchema,
  AssetUrlSchema,
  CreateAssetUrlSchema,
  type CreateAssetUrl,
  SignedPathSchema,
} from '@headgate/contract/assets.ts'
import { header } from '@headgate/contract/headers.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { AssetStore } from './assets.store.ts'
import { ownerOf } from './owner.ts'
import type { ReadChunks } from './read-chunks.ts'
import { assetTag, versionTag } from './purges.store.ts'
import { serveContent } from './serve-content.ts'
import type { Signer } from './signed-urls.ts'

interface SignedRoutesOptions {
  readonly store: Pick<AssetStore, 'get' | 'versions' | 'granted'>
  readonly read: ReadChunks
  readonly signer: Signer
  readonly browserSeconds: () => number
  readonly clock: Clock
  /** Where callers reach this server, without a trailing slash. */
  readonly address: () => string
}

const DEFAULT_SECONDS = 3_600

/** Addresses that open one version of an asset to whoever has them, for a time. */
export const signedRoutes = ({ store, read, signer, browserSeconds, clock, address }: SignedRoutesOptions): Route[] => {
  const now = (): number => Math.floor(clock.now() / 1_000)
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/assets/:asset_id/url',
      summary: 'Makes an address that opens an asset to whoever has it.',
      access: 'caller',
      browser: 'person',
      prefixedOnly: true,
      body: CreateAssetUrlSchema,
      reference: {
        operationId: 'createAssetUrl',
        tag: 'Assets',
        description:
          'It opens one version, until it expires or the version is erased. Nothing but time and erasure takes it back.',
        params: AssetPathSchema,
        answer: AssetUrlSchema,
        errors: ['asset_not_found'],
      },
      handle: async (input) => {
        const { expires_in: seconds = DEFAULT_SECONDS, version, disposition } = input.body as CreateAssetUrl
        const [owner, id] = [ownerOf(input), input.params['asset_id'] as string]
        const found =
          version === undefined
            ? await store.get(owner, id)
            : (await store.versions(owner, id)).find((one) => one.version === version)
        if (found === undefined) throw new AppError('asset_not_found')
        const expiresAt = now() + seconds
        const token = signer.sign(found.digest, {
          ...{ project: owner.project, assetId: id, version: found.version, expiresAt },
          inline: disposition === 'inline',
        })
        const url = `${address()}/content/${found.digest}/${token}`
        return { kind: 'json', value: { object: 'asset.url', url, expires_at: expiresAt } }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/content/:sha256/:token',
      summary: 'The content of an address that was signed.',
      access: 'public',
      reference: {
        operationId: 'getSignedContent',
        tag: 'Assets',
        description:
          'Takes `Range`, `If-Range` and `If-None-Match`. The address names the content, so that it never changes: caches of all kinds may keep it until it expires.',
        params: SignedPathSchema,
        answer: AssetContentSchema,
        contentType: '*/*',
        otherAnswers: {
          206: { description: 'The part that `Range` asks for.', answer: AssetContentSchema },
          304: { description: 'It is as the caller has it.' },
        },
        answerHeaders: [
          ...[header.etag, header.acceptRanges, header.contentRange, header.contentDisposition],
          ...[header.surrogateKey, header.cacheTag, header.cdnCacheControl],
        ],
        errors: [
          'asset_url_invalid',
          'asset_not_found',
          'asset_store_unavailable',
          'range_not_satisfiable',
          'database_unavailable',
        ],
      },
      handle: async ({ params, headers }) => {
        const { sha256: digest = '', token = '' } = params
        const grant = signer.read(digest, token, now())
        if (grant === null) throw new AppError('asset_url_invalid')
        const { name, found } = await store.granted(grant.project, grant.assetId, grant.version)
        if (found.digest !== digest) throw new AppError('asset_not_found')
        const left = grant.expiresAt - now()
        return serveContent(read, grant.project, found, headers, {
          ...{ name, inline: grant.inline },
          cacheControl: `public, max-age=${Math.min(left, browserSeconds())}, immutable`,
          shield: { seconds: left, tags: [assetTag(found.assetId), versionTag(found.assetId, found.version)] },
        })
      },
    }),
  ]
}
