import {
  AssetPathSchema,
  AssetSchema,
  type CreateAssetQuery,
  CreateAssetQuerySchema,
  type ReplaceAssetQuery,
  ReplaceAssetQuerySchema,
} from '@headgate/contract/assets.ts'
import { header } from '@headgate/contract/headers.ts'
import { AppError } from '../../kernel/errors.ts'
import { type BodyStream, type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import { view } from './asset-views.ts'
import type { AssetStore } from './assets.store.ts'
import { tagsOf } from './byte-range.ts'
import type { Images } from './images.ts'
import { ownerOf } from './owner.ts'
import { rewrittenBody } from './rewritten-body.ts'
import { tusOptions } from './tus-headers.ts'
import type { Uploads } from './uploads.service.ts'

interface BytesRoutesOptions {
  readonly store: Pick<AssetStore, 'get'>
  readonly uploads: Uploads
  readonly images: Pick<Images, 'rewrite' | 'hold'>
  /** Most bytes of a picture that is made anew. */
  readonly maxImageBytes: () => number
  readonly maxBytes: number
  readonly newId: (prefix: 'asset' | 'upload') => string
}

const anew =
  'With `metadata=strip` a picture is written anew, so that nothing of it is kept but what is seen; with `format` in another format.'

const errorsOfBytes = [
  'asset_quota_exceeded',
  'length_required',
  'asset_infected',
  'asset_scan_unavailable',
  'asset_store_unavailable',
  'asset_not_convertible',
  'asset_images_unavailable',
  'overloaded',
] as const

/** `/v1/assets`: contents that are sent at once. */
export const bytesRoutes = (options: BytesRoutesOptions): Route[] => {
  const { store, uploads, images, maxImageBytes, maxBytes, newId } = options
  const idOf = ({ params }: CallerInput): string => params['asset_id'] as string
  const shared = { browser: 'person', prefixedOnly: true } as const
  const optionsHeaders = () => tusOptions(maxBytes)
  const body = { body: 'stream', maxBodyBytes: maxBytes, optionsHeaders } as const
  const bodySchema = { bodyType: 'application/octet-stream', answer: AssetSchema } as const

  const stored = async (input: CallerInput, id: string, status: 200 | 201) => {
    const made = await store.get(ownerOf(input), id)
    return { kind: 'json', status, value: view(made), headers: { [header.asset]: id } } as const
  }
  const bodyOf = async (input: CallerInput): Promise<BodyStream> => {
    const { metadata, format } = input.query as ReplaceAssetQuery
    const sent = input.body as BodyStream
    if (metadata === undefined && format === undefined) return sent
    return rewrittenBody(sent, { images, maxBytes: maxImageBytes(), to: format })
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
          'What takes longer than 30 seconds to arrive is uploaded by tus, at `/v1/uploads`. ' +
          anew,
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
        await uploads.whole(input.exchange.caller, upload, await bodyOf(input))
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
      query: ReplaceAssetQuerySchema,
      reference: {
        operationId: 'replaceAssetContent',
        tag: 'Assets',
        description: `With \`If-Match\`, only while one of these entity tags is the present version’s. ${anew}`,
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
        await uploads.whole(input.exchange.caller, upload, await bodyOf(input))
        return stored(input, present.assetId, 200)
      },
    }),
  ]
}
