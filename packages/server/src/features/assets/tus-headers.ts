import { createHash, getHashes } from 'node:crypto'
import { header } from '@headgate/contract/headers.ts'
import { AppError } from '../../kernel/errors.ts'
import type { RouteInput } from '../../kernel/route.ts'

/** The version of tus that is spoken: https://tus.io/protocols/resumable-upload */
export const TUS_VERSION = '1.0.0'
const EXTENSIONS = 'creation,creation-with-upload,expiration,checksum,termination,concatenation'
const algorithms = ['sha1', 'sha256', 'sha512', 'md5'] as const
const MOST_PARTS = 100
const MOST_METADATA = 16
const MOST_NAME = 255
const MOST_VALUE = 512
const PATCH_TYPE = 'application/offset+octet-stream'

type Headers = RouteInput['headers']

const wrong = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}`, details: [{ location, message, fix }] })

/** What `OPTIONS` announces. */
export const tusOptions = (maxBytes: number): Readonly<Record<string, string>> => ({
  [header.tusResumable]: TUS_VERSION,
  [header.tusVersion]: TUS_VERSION,
  [header.tusExtension]: EXTENSIONS,
  [header.tusMaxSize]: String(maxBytes),
  [header.tusChecksumAlgorithm]: algorithms.filter((name) => getHashes().includes(name)).join(','),
})

/** @throws AppError `tus_version_unsupported` where the request speaks another version; none is taken where `mayBeSilent`. */
export const checkTusVersion = (headers: Headers, mayBeSilent = false): void => {
  const said = headers[header.tusResumable]
  if (said !== TUS_VERSION && !(mayBeSilent && said === undefined)) throw new AppError('tus_version_unsupported')
}

/** @throws AppError `unsupported_media_type` */
export const checkOffsetType = (headers: Headers): void => {
  if (headers['content-type'] !== PATCH_TYPE)
    throw new AppError('unsupported_media_type', {
      detail: `The bytes of an upload are sent as ${PATCH_TYPE}.`,
      details: [{ location: 'content-type', message: `must be ${PATCH_TYPE}`, fix: `Send ${PATCH_TYPE}.` }],
    })
}

/** A whole number of bytes that a header must name. @throws AppError `invalid_parameter`. */
export const bytesIn = (headers: Headers, name: string): number => {
  const text = headers[name]
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) throw wrong(name, 'must be a whole number', 'Send bytes.')
  return Number(text)
}

/** What `Upload-Metadata` says, and its text as it was sent. */
export interface UploadWords {
  readonly name: string
  /** The asset of which it shall become another version. */
  readonly asset: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** Whether its picture shall be written anew, so that nothing of it is kept but what is seen. */
  readonly strip: boolean
}

const unprintable = /[\p{Cc}\p{Cs}]/u
const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** The last part of a path, as some clients send whole ones. */
export const baseName = (name: string): string =>
  name
    .split(/[\\/]/)
    .at(-1)
    ?.replace(/[\p{Cc}\p{Cs}]/gu, '')
    .slice(0, MOST_NAME)
    .toWellFormed() || 'file'

/** Reads `Upload-Metadata` (tus, section Creation). @throws AppError `invalid_parameter`. */
export const readMetadata = (headers: Headers): UploadWords => {
  const text = headers[header.uploadMetadata]
  const words: UploadWords & { metadata: Record<string, string> } = {
    name: 'file',
    asset: null,
    metadata: {},
    strip: false,
  }
  if (typeof text !== 'string' || text.trim() === '') return words
  const refuse = (message: string): AppError => wrong(header.uploadMetadata, message, 'See the guide on assets.')
  const seen = new Map<string, string>()
  for (const pair of text.split(',')) {
    const [key = '', value = '', ...more] = pair.trim().split(' ')
    if (key === '' || key.length > 64 || more.length > 0 || !base64.test(value)) throw refuse('is not as tus has it')
    if (seen.has(key)) throw refuse('names something twice')
    const decoded = Buffer.from(value, 'base64').toString('utf8')
    if (decoded.length > MOST_VALUE || unprintable.test(decoded)) throw refuse('holds what is too long or no text')
    seen.set(key, decoded)
  }
  const { filename, name, asset_id: asset, filetype: _, strip = 'false', ...rest } = Object.fromEntries(seen)
  if (Object.keys(rest).length > MOST_METADATA) throw refuse(`names more than ${MOST_METADATA} things`)
  // tus has keys without a value, too.
  if (!['', 'true', 'false'].includes(strip)) throw refuse('says of `strip` neither true nor false')
  return { name: baseName(filename ?? name ?? 'file'), asset: asset ?? null, metadata: rest, strip: strip !== 'false' }
}

/** What `Upload-Concat` asks for (tus, section Concatenation). */
export type Concat =
  | { readonly role: 'whole' | 'partial' }
  | { readonly role: 'final'; readonly parts: readonly string[] }

/** Reads `Upload-Concat`. @throws AppError `invalid_parameter`. */
export const readConcat = (headers: Headers): Concat => {
  const text = headers[header.uploadConcat]
  if (text === undefined) return { role: 'whole' }
  if (text === 'partial') return { role: 'partial' }
  const [kind, ...rest] = String(text).split(';')
  const parts = rest
    .join(';')
    .trim()
    .split(/\s+/)
    .map((url) => url.split('?')[0]?.split('/').at(-1) ?? '')
  const areIds = parts.every((part) => /^upload_[0-9A-Z]{26}$/.test(part)) && new Set(parts).size === parts.length
  if (kind !== 'final' || !areIds || parts.length > MOST_PARTS)
    throw wrong(header.uploadConcat, 'is not as tus has it', `Name ${MOST_PARTS} partial uploads at most, each once.`)
  return { role: 'final', parts }
}

/** A checksum that the bytes of a request shall have. */
export interface Checksum {
  readonly update: (piece: Buffer) => void
  readonly fits: () => boolean
}

/** Reads `Upload-Checksum` (tus, section Checksum); null where there is none. @throws AppError `invalid_parameter`. */
export const readChecksum = (headers: Headers): Checksum | null => {
  const text = headers[header.uploadChecksum]
  if (text === undefined) return null
  const [name = '', wanted = ''] = String(text).split(' ')
  const algorithm = algorithms.find((known) => known === name)
  if (algorithm === undefined || !base64.test(wanted))
    throw wrong(header.uploadChecksum, 'is not as tus has it', `Send one of ${algorithms.join(', ')}, and Base64.`)
  const hash = createHash(algorithm)
  return {
    update: (piece) => {
      hash.update(piece)
    },
    fits: () => hash.digest('base64').replace(/=+$/, '') === wanted.replace(/=+$/, ''),
  }
}
