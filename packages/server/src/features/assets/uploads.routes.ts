import { NothingSchema, UploadPathSchema, UploadSchema, type UploadView } from '@headgate/contract/assets.ts'
import { header } from '@headgate/contract/headers.ts'
import { AppError } from '../../kernel/errors.ts'
import { type BodyStream, type CallerInput, defineRoute, type Reply, type Route } from '../../kernel/route.ts'
import type { AssetBounds } from './assets.ports.ts'
import type { AssetStore } from './assets.store.ts'
import type { Finish } from './finish-upload.ts'
import { ownerOf } from './owner.ts'
import * as tus from './tus-headers.ts'
import type { Uploads } from './uploads.service.ts'
import type { NewUpload, Upload, UploadStore } from './uploads.store.ts'

interface UploadRoutesOptions {
  readonly store: UploadStore
  readonly assets: Pick<AssetStore, 'get'>
  readonly uploads: Uploads
  readonly finish: Finish
  readonly bounds: () => AssetBounds
  readonly maxBytes: number
  /** Most bytes of a picture that is made anew. */
  readonly maxImageBytes: () => number
  readonly newId: (prefix: 'asset' | 'upload') => string
  /** Told when something is to be erased. */
  readonly onDropped: () => void
}

const PATCH_TYPE = 'application/offset+octet-stream'
const nothing = { contentType: 'text/plain; charset=utf-8', bytes: '' } as const
const errorsOfBytes = [
  'invalid_parameter',
  'tus_version_unsupported',
  'unsupported_media_type',
  'upload_offset_mismatch',
  'upload_checksum_mismatch',
  'asset_not_found',
  'asset_changed',
  'asset_infected',
  'asset_scan_unavailable',
  'asset_store_unavailable',
  'asset_not_convertible',
  'asset_images_unavailable',
  'overloaded',
] as const

const view = ({ id, assetId, role, version, length, received, expiresAt }: Upload): UploadView => ({
  id,
  object: 'upload',
  asset_id: role === 'partial' ? null : assetId,
  version,
  length,
  offset: received,
  expires_at: Math.floor(expiresAt.getTime() / 1_000),
})

const headersOf = (upload: Upload): Record<string, string> => ({
  [header.uploadOffset]: String(upload.received),
  [header.uploadExpires]: upload.expiresAt.toUTCString(),
  ...(upload.role !== 'partial' && { [header.asset]: upload.assetId }),
})

/** `/v1/uploads`: tus 1.0 (https://tus.io/protocols/resumable-upload). */
export const uploadRoutes = (options: UploadRoutesOptions): Route[] => {
  const { store, assets, uploads, finish, bounds, maxBytes, maxImageBytes, newId, onDropped } = options
  const idOf = ({ params }: CallerInput): string => params['upload_id'] as string
  /** Every answer of tus says so, errors too. */
  const speak = ({ exchange }: CallerInput): void => {
    exchange.headers[header.tusResumable] = tus.TUS_VERSION
  }
  const find = async (input: CallerInput): Promise<Upload> => {
    const found = await store.get(ownerOf(input), idOf(input))
    if (found === null) throw new AppError('upload_not_found')
    return found
  }
  const optionsHeaders = () => tus.tusOptions(maxBytes)
  const shared = { browser: 'person', prefixedOnly: true, optionsHeaders } as const

  const plan = async (input: CallerInput): Promise<Omit<NewUpload, 'length' | 'role'>> => {
    const owner = ownerOf(input)
    const { asset, name, metadata, strip } = tus.readMetadata(input.headers)
    if (asset !== null) await assets.get(owner, asset)
    const said = {
      [header.uploadMetadata]: input.headers[header.uploadMetadata],
      [header.uploadConcat]: input.headers[header.uploadConcat],
    }
    const details = {
      name,
      metadata,
      ...(strip && { strip }),
      said: JSON.parse(JSON.stringify(said)) as Record<string, string>,
    }
    return { ...owner, id: newId('upload'), assetId: asset ?? newId('asset'), isNew: asset === null, details }
  }

  /** Most bytes of an upload: fewer where a picture is written anew. */
  const mostOf = ({ strip }: NewUpload['details']): number => (strip ? Math.min(maxBytes, maxImageBytes()) : maxBytes)

  const begin = async (input: CallerInput): Promise<Upload> => {
    const concat = tus.readConcat(input.headers)
    const { uploadSeconds } = bounds()
    if (concat.role === 'final') {
      const joined = await store.join(await plan(input), concat.parts, uploadSeconds)
      const limit = mostOf(joined.details)
      if (joined.length <= limit) return joined
      await store.remove(joined, joined.id)
      onDropped()
      throw new AppError('request_too_large', { params: { limit_bytes: limit } })
    }
    const length = tus.bytesIn(input.headers, header.uploadLength)
    const planned = await plan(input)
    const limit = mostOf(planned.details)
    if (length > limit) throw new AppError('request_too_large', { params: { limit_bytes: limit } })
    const body = input.body as BodyStream
    const isSent = body.length !== 0
    if (isSent) tus.checkOffsetType(input.headers)
    const begun = await uploads.begin(input.exchange.caller, { ...planned, role: concat.role, length })
    return isSent ? uploads.append(begun, 0, body, tus.readChecksum(input.headers)) : begun
  }

  const answer = (upload: Upload, status: 201 | 204, more: Record<string, string> = {}): Reply => ({
    kind: 'bytes',
    status,
    ...nothing,
    headers: { ...headersOf(upload), ...more },
  })

  return [
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'POST',
      path: '/v1/uploads',
      summary: 'Begins an upload.',
      body: 'stream',
      maxBodyBytes: maxBytes,
      reference: {
        operationId: 'createUpload',
        tag: 'Assets',
        description:
          `Protocol tus 1.0.0 with the extensions that \`OPTIONS\` names; \`Upload-Length\` may be ${maxBytes} at most. \`Upload-Metadata\` may hold \`filename\`, ` +
          '`asset_id` (the asset of which it becomes another version), `strip` (a picture is written anew, so that nothing of it is kept but what is seen) and words of your own. The first bytes may stand in the body.',
        bodyType: PATCH_TYPE,
        body: NothingSchema,
        answer: NothingSchema,
        status: 201,
        contentType: 'text/plain',
        answerHeaders: [header.location, header.asset, header.uploadOffset, header.uploadExpires, header.tusResumable],
        errors: [...errorsOfBytes, 'asset_quota_exceeded', 'upload_not_found', 'upload_incomplete'],
      },
      handle: async (input) => {
        speak(input)
        tus.checkTusVersion(input.headers)
        const begun = await begin(input)
        await finish(begun)
        return answer(begun, 201, { [header.location]: `/v1/uploads/${begun.id}` })
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/uploads/:upload_id',
      summary: 'Tells where an upload stands.',
      reference: {
        operationId: 'getUpload',
        tag: 'Assets',
        description: '`HEAD` is what tus asks: its headers tell the offset.',
        params: UploadPathSchema,
        answer: UploadSchema,
        answerHeaders: [header.uploadOffset, header.uploadLength, header.uploadExpires, header.tusResumable],
        errors: ['upload_not_found', ...errorsOfBytes],
      },
      handle: async (input) => {
        speak(input)
        tus.checkTusVersion(input.headers, true)
        const found = await find(input)
        // Where the answer to the last bytes was lost with the process, nobody else would make the asset.
        const version = await finish(found)
        const headers = {
          ...headersOf(found),
          ...found.details.said,
          [header.uploadLength]: String(found.length),
        }
        return { kind: 'json', value: view({ ...found, version }), headers }
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'PATCH',
      path: '/v1/uploads/:upload_id',
      summary: 'Goes on with an upload.',
      body: 'stream',
      maxBodyBytes: maxBytes,
      reference: {
        operationId: 'continueUpload',
        tag: 'Assets',
        description: 'The bytes from `Upload-Offset` on. What came before a break is kept.',
        params: UploadPathSchema,
        bodyType: PATCH_TYPE,
        body: NothingSchema,
        answer: NothingSchema,
        status: 204,
        contentType: 'text/plain',
        answerHeaders: [header.uploadOffset, header.uploadExpires, header.asset, header.tusResumable],
        errors: ['upload_not_found', ...errorsOfBytes],
      },
      handle: async (input) => {
        speak(input)
        tus.checkTusVersion(input.headers)
        tus.checkOffsetType(input.headers)
        const offset = tus.bytesIn(input.headers, header.uploadOffset)
        const checksum = tus.readChecksum(input.headers)
        const found = await find(input)
        if (found.role === 'final') throw new AppError('upload_offset_mismatch', { params: { offset: found.received } })
        const there = await uploads.append(found, offset, input.body as BodyStream, checksum)
        await finish(there)
        return answer(there, 204)
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'DELETE',
      path: '/v1/uploads/:upload_id',
      summary: 'Gives an upload up.',
      reference: {
        operationId: 'deleteUpload',
        tag: 'Assets',
        description: 'All that was sent is erased; an asset that it has become stays.',
        params: UploadPathSchema,
        answer: NothingSchema,
        status: 204,
        contentType: 'text/plain',
        answerHeaders: [header.tusResumable],
        errors: ['upload_not_found', 'tus_version_unsupported'],
      },
      handle: async (input) => {
        speak(input)
        tus.checkTusVersion(input.headers, true)
        if (!(await store.remove(ownerOf(input), idOf(input)))) throw new AppError('upload_not_found')
        onDropped()
        return { kind: 'bytes', status: 204, ...nothing }
      },
    }),
  ]
}
