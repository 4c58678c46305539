import {
  AssetContentSchema,
  AssetPathSchema,
  type AssetThumbnailQuery,
  AssetThumbnailQuerySchema,
} from '@headgate/contract/assets.ts'
import { header } from '@headgate/contract/headers.ts'
import { type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import { ASKED_AGAIN, type FindVersion, FOR_GOOD } from './asset-versions.ts'
import { tagsOf } from './byte-range.ts'
import { ownerOf } from './owner.ts'
import type { Thumbnails } from './thumbnails.ts'

interface ThumbnailRoutesOptions {
  readonly find: FindVersion
  readonly thumbnails: Thumbnails
}

const USUAL_WIDTH = '256'

/** `/v1/assets/{id}/thumbnail`. */
export const thumbnailRoutes = ({ find, thumbnails }: ThumbnailRoutesOptions): Route[] => [
  defineRoute({
    access: 'caller',
    browser: 'person',
    prefixedOnly: true,
    method: 'GET',
    path: '/v1/assets/:asset_id/thumbnail',
    summary: 'A small picture of a picture, as WebP.',
    query: AssetThumbnailQuerySchema,
    reference: {
      operationId: 'getAssetThumbnail',
      tag: 'Assets',
      description:
        'Of PNG, JPEG, WebP, GIF (its first frame), AVIF and TIFF, whatever was claimed. It is made once, and kept as long as its content.',
      params: AssetPathSchema,
      answer: AssetContentSchema,
      contentType: 'image/webp',
      otherAnswers: { 304: { description: 'It is as the caller has it.' } },
      answerHeaders: [header.etag],
      errors: [
        'asset_not_found',
        'asset_not_convertible',
        'asset_images_unavailable',
        'asset_store_unavailable',
        'overloaded',
      ],
    },
    handle: async (input: CallerInput) => {
      const { found, isNamed } = await find(input)
      const width = Number((input.query as AssetThumbnailQuery).width ?? USUAL_WIDTH)
      const tag = `${found.digest}-${width}`
      const headers = {
        [header.etag]: `"${tag}"`,
        'cache-control': isNamed ? FOR_GOOD : ASKED_AGAIN,
        'x-content-type-options': 'nosniff',
        'content-security-policy': "sandbox; default-src 'none'",
      }
      const known = tagsOf(input.headers['if-none-match'])
      if (known === '*' || known?.includes(tag))
        return { kind: 'bytes', status: 304, contentType: 'image/webp', bytes: '', headers }
      const bytes = await thumbnails.of(ownerOf(input), found, width)
      return { kind: 'bytes', contentType: 'image/webp', bytes, headers }
    },
  }),
]
