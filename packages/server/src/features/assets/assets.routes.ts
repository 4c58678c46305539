import {
  AssetDeletedSchema,
  AssetLimitsSchema,
  type AssetListQuery,
  AssetListQuerySchema,
  AssetListSchema,
  AssetPathSchema,
  AssetSchema,
  AssetVersionsSchema,
  type ChangeAsset,
  ChangeAssetSchema,
} from '@headgate/contract/assets.ts'
import { type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { AssetBounds } from './assets.ports.ts'
import type { AssetStore } from './assets.store.ts'
import { versionView, view } from './asset-views.ts'
import { ownerOf } from './owner.ts'

interface AssetRoutesOptions {
  readonly store: AssetStore
  readonly bounds: () => AssetBounds
  readonly maxBytes: number
  /** Told when something is to be erased. */
  readonly onDropped: () => void
}

/** `/v1/assets`: what is kept. */
export const assetRoutes = (options: AssetRoutesOptions): Route[] => {
  const { store, bounds, maxBytes, onDropped } = options
  const idOf = ({ params }: CallerInput): string => params['asset_id'] as string
  const shared = { browser: 'person', prefixedOnly: true } as const
  return [
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
