import type { AssetContentQuery } from '@headgate/contract/assets.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CallerInput } from '../../kernel/route.ts'
import type { AssetStore, AssetVersion } from './assets.store.ts'
import { ownerOf } from './owner.ts'

/** A browser may keep it, but asks each time whether it may still show it: it may have been erased. */
export const ASKED_AGAIN = 'private, no-cache'
/** A version never changes. */
export const FOR_GOOD = 'private, max-age=31536000, immutable'

/** The version that a request is about, and whether it named it. @throws AppError `asset_not_found`. */
export type FindVersion = (
  input: CallerInput,
) => Promise<{ readonly name: string; readonly found: AssetVersion; readonly isNamed: boolean }>

/** Finds versions by path and query. */
export const createFindVersion =
  (store: Pick<AssetStore, 'get' | 'versions'>): FindVersion =>
  async (input) => {
    const { version } = input.query as Pick<AssetContentQuery, 'version'>
    const [owner, id] = [ownerOf(input), input.params['asset_id'] as string]
    const asset = await store.get(owner, id)
    const { name } = asset.details
    if (version === undefined || Number(version) === asset.version)
      return { name, found: asset, isNamed: version !== undefined }
    const found = (await store.versions(owner, id)).find((one) => one.version === Number(version))
    if (found === undefined) throw new AppError('asset_not_found')
    return { name, found, isNamed: true }
  }
