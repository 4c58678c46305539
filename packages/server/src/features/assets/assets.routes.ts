import {
  AssetDeletedSchema,
  AssetLimitsSchema,
  type AssetListQuery,
  AssetListQuerySchema,
  AssetListSchema,
  AssetPathSchema,
  AssetSchema,
  AssetVersionsSchema,
  type AssetVersionView,
  type AssetView,
  type ChangeAsset,
  ChangeAssetSchema,
  type CreateAssetQuery,
  CreateAssetQuerySchema,
} from '@headgate/contract/assets.ts'
import { header } from '@headgate/contract/headers.ts'
import { type BodyStream, type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AssetBounds } from './assets.ports.ts'
import type { Asset, AssetStore, AssetVersion } from './assets.store.ts'
import { tagsOf } from './byte-range.ts'
import { ownerOf } from './owner.ts'
import { tusOptions } from './tus-headers.ts'
import type { Uploads } from './uploads.service.ts'

interface AssetRoutesOptions {
  readonly store: AssetStore
  readonly uploads: Uploads
  readonly bounds: () => AssetBounds
  readonly maxBytes: number
  readonly newId: (prefix: 'asset' | 'upload') => string
  /** Told when something is to be erased. */
  readonly onDropped: () => void
}

const secondsOf = (time: Date): number => Math.floor(time.getTime() / 1_000)

const contentView = ({ version, bytes, type, charset, digest, wasScanned }: AssetVersion) => ({
  version,
  bytes,
  type,
  charset,
  sha256: digest,
  scanned: wasScanned,
})
const versionView = (version: AssetVersion): AssetVersionView => ({
  object: 'asset.version',
  ...contentView(version),
  created_at: secondsOf(version.createdAt),
})
const view = (asset: Asset): AssetView => ({
  id: asset.assetId,
  object: 'asset',
  name: asset.details.name,
  metadata: asset.details.metadata,
  ...contentView(asset),
  created_at: secondsOf(asset.madeAt),
  updated_at: secondsOf(asset.changedAt),
})

const errorsOfBytes = [
  'asset_quota_exceeded',
  'length_required',
  'asset_infected',
  'asset_scan_unavailable',
  'asset_store_unavailable',
] as const

/** `/v1/assets`: what is kept, and contents that are sent at once. */
export const assetRoutes = (options: AssetRoutesOptions): Route[] => {
  const { store, uploads, bounds, maxBytes, newId, onDropped } = options
  const idOf = ({ params }: CallerInput): string => params['asset_id'] as string
  const shared = { browser: 'person', prefixedOnly: true } as const
  const optionsHeaders = () => tusOptions(maxBytes)
  const body = { body: 'stream', maxBodyBytes: maxBytes, optionsHeaders } as const
  const bodySchema = { bodyType: 'application/octet-stream', answer: AssetSchema } as const

  const stored = async (input: CallerInput, id: string, status: 200 | 201) => {
    const made = await store.get(ownerOf(input), id)
    return { kind: 'json', status, value: view(made), headers: { [header.asset]: id } } as const
  }
  return [
    defineRoute({
      ...shared,
      access: 'caller',
      ...body,
      method: 'POST',
      path: '/v1/assets',
      summary: 'Keeps a content that is sent at once.',
      query: CreateAssetQuerySchema,
      reference: {
        operationId: 'createAsset',
        tag: 'Assets',
        description:
          `The body is the content, of ${maxBytes} bytes at most, with its \`Content-Length\`. What has no room is refused before it is read. ` +
          'What takes longer than 30 seconds to arrive is uploaded by tus, at `/v1/uploads`.',
        ...bodySchema,
        status: 201,
        answerHeaders: [header.asset],
        errors: errorsOfBytes,
      },
      handle: async (input) => {
        const { name = 'file' } = input.query as CreateAssetQuery
        const assetId = newId('asset')
        const details = { name, metadata: {} }
        const upload = { ...ownerOf(input), id: newId('upload'), assetId, isNew: true, details }
        await uploads.whole(input.exchange.caller, upload, input.body as BodyStream)
        return stored(input, assetId, 201)
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      ...body,
      method: 'PUT',
      path: '/v1/assets/:asset_id/content',
      summary: 'Makes another version of an asset.',
      reference: {
        operationId: 'replaceAssetContent',
        tag: 'Assets',
        description: 'With `If-Match`, only while one of these entity tags is the present version’s.',
        params: AssetPathSchema,
        ...bodySchema,
        answerHeaders: [header.asset],
        errors: [...errorsOfBytes, 'asset_not_found', 'asset_changed'],
      },
      handle: async (input) => {
        const owner = ownerOf(input)
        const present = await store.get(owner, idOf(input))
        const tags = tagsOf(input.headers['if-match'])
        const ifMatch = tags === null || tags === '*' ? undefined : tags
        if (ifMatch !== undefined && !ifMatch.includes(present.digest)) throw new AppError('asset_changed')
        const details = { ...present.details, ...(ifMatch && { ifMatch }) }
        const upload = { ...owner, id: newId('upload'), assetId: present.assetId, isNew: false, details }
        await uploads.whole(input.exchange.caller, upload, input.body as BodyStream)
        return stored(input, present.assetId, 200)
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/assets',
      summary: 'Lists assets, those made last first.',
      query: AssetListQuerySchema,
      reference: { operationId: 'listAssets', tag: 'Assets', answer: AssetListSchema },
      handle: async (input) => {
        const { after, limit: asked = '20' } = input.query as AssetListQuery
        const limit = Math.min(100, Number(asked))
        const found = await store.list(ownerOf(input), after, limit + 1)
        const data = found.slice(0, limit).map(view)
        const [first, last] = [data[0]?.id ?? null, data.at(-1)?.id ?? null]
        const value = { object: 'list', data, first_id: first, last_id: last, has_more: found.length > limit }
        return { kind: 'json', value }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/assets/limits',
      summary: 'Tells how much room there is.',
      reference: { operationId: 'getAssetLimits', tag: 'Assets', answer: AssetLimitsSchema },
      handle: async (input) => ({
        kind: 'json',
        value: {
          object: 'asset.limits',
          used_bytes: await store.used(ownerOf(input)),
          limit_bytes: bounds().ownerBytes(input.exchange.caller),
          max_bytes: maxBytes,
        },
      }),
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/assets/:asset_id',
      summary: 'Tells of an asset.',
      reference: {
        operationId: 'getAsset',
        tag: 'Assets',
        params: AssetPathSchema,
        answer: AssetSchema,
        errors: ['asset_not_found'],
      },
      handle: async (input) => ({ kind: 'json', value: view(await store.get(ownerOf(input), idOf(input))) }),
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'PATCH',
      path: '/v1/assets/:asset_id',
      summary: 'Changes what is said of an asset.',
      body: ChangeAssetSchema,
      reference: {
        operationId: 'updateAsset',
        tag: 'Assets',
        description: '`metadata` replaces what was there.',
        params: AssetPathSchema,
        answer: AssetSchema,
        errors: ['asset_not_found'],
      },
      handle: async (input) => {
        const changed = await store.change(ownerOf(input), idOf(input), input.body as ChangeAsset)
        return { kind: 'json', value: view(changed) }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'DELETE',
      path: '/v1/assets/:asset_id',
      summary: 'Erases an asset with all its versions.',
      reference: {
        operationId: 'deleteAsset',
        tag: 'Assets',
        params: AssetPathSchema,
        answer: AssetDeletedSchema,
        errors: ['asset_not_found'],
      },
      handle: async (input) => {
        await store.remove(ownerOf(input), idOf(input))
        onDropped()
        return { kind: 'json', value: { id: idOf(input), object: 'asset', deleted: true } }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/assets/:asset_id/versions',
      summary: 'Lists the versions of an asset, the last first.',
      reference: {
        operationId: 'listAssetVersions',
        tag: 'Assets',
        params: AssetPathSchema,
        answer: AssetVersionsSchema,
        errors: ['asset_not_found'],
      },
      handle: async (input) => {
        const versions = await store.versions(ownerOf(input), idOf(input))
        return { kind: 'json', value: { object: 'list', data: versions.map(versionView) } }
      },
    }),
  ]
}
