import {
  FileContentSchema,
  FileDeletedSchema,
  type FileListQuery,
  FileListQuerySchema,
  FileListSchema,
  FilePathSchema,
  FileSchema,
  FileUploadSchema,
  type FileView,
} from '@headgate/contract/files.ts'
import { AppError } from '../../kernel/errors.ts'
import { type CallerInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { FileBounds } from './files.ports.ts'
import type { FileStore, StoredFile } from './files.store.ts'
import { readUpload } from './upload.ts'

/** What a form takes beside its file. */
const FORM_BYTES = 65_536

interface FileRoutesOptions {
  readonly store: FileStore
  readonly maxBytes: number
  readonly bounds: () => FileBounds
  readonly newId: () => string
}

/** What a page of a list is asked for. */
export const pageOf = ({ limit = '20' }: { readonly limit?: string }): number => Math.min(100, Number(limit))

/** A page of a list in OpenAI's shape, of what was read with one more than is shown. */
export const listView = <Item extends { readonly id: string }>(found: readonly Item[], limit: number) => {
  const data = found.slice(0, limit)
  return {
    object: 'list' as const,
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: found.length > limit,
  }
}

const view = ({ id, bytes, createdAt, expiresAt, name, purpose }: StoredFile): FileView => ({
  id,
  object: 'file',
  bytes,
  created_at: Math.floor(createdAt.getTime() / 1_000),
  ...(expiresAt !== null && { expires_at: Math.floor(expiresAt.getTime() / 1_000) }),
  filename: name,
  purpose: purpose as FileView['purpose'],
  status: 'processed',
})

/** `/v1/files`, as OpenAI has it. */
export const fileRoutes = ({ store, maxBytes, bounds, newId }: FileRoutesOptions): Route[] => {
  const idOf = ({ params }: CallerInput): string => params['file_id'] as string
  const projectOf = ({ exchange }: CallerInput): string => exchange.caller.projectId
  const find = async (input: CallerInput): Promise<StoredFile> => {
    const found = await store.get(projectOf(input), idOf(input))
    if (found === null) throw new AppError('file_not_found')
    return found
  }
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/files',
      summary: 'Keeps a file.',
      access: 'caller',
      body: 'form',
      maxBodyBytes: maxBytes + FORM_BYTES,
      reference: {
        operationId: 'createFile',
        tag: 'Files',
        description:
          `A file may have ${maxBytes} bytes; more is refused before it is read. It is sealed and belongs to the project of the key: ` +
          'every secret key of the project reads it, nobody else.',
        body: FileUploadSchema,
        answer: FileSchema,
        errors: ['invalid_multipart', 'duplicate_parameter', 'unknown_parameter', 'file_quota_exceeded'],
      },
      handle: async (input) => {
        const { body, headers, exchange } = input
        const upload = readUpload(body as Buffer, headers['content-type'] as string, maxBytes)
        const { projectId, keyId } = exchange.caller
        const stored = await store.add({ projectId, keyId, id: newId(), ...upload }, upload.content, bounds().keyBytes)
        return { kind: 'json', value: view(stored) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/files',
      summary: 'Lists the files of the project.',
      access: 'caller',
      query: FileListQuerySchema,
      reference: { operationId: 'listFiles', tag: 'Files', answer: FileListSchema },
      handle: async (input) => {
        const { after, order, purpose, ...rest } = input.query as FileListQuery
        const limit = pageOf(rest)
        const page = { after, limit: limit + 1, isAscending: order === 'asc', purpose }
        const found = await store.list(projectOf(input), page)
        return { kind: 'json', value: listView(found.map(view), limit) }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/files/:file_id',
      summary: 'Tells of a file.',
      access: 'caller',
      reference: {
        operationId: 'getFile',
        tag: 'Files',
        params: FilePathSchema,
        answer: FileSchema,
        errors: ['file_not_found'],
      },
      handle: async (input) => ({ kind: 'json', value: view(await find(input)) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/files/:file_id/content',
      summary: 'The bytes of a file.',
      access: 'caller',
      reference: {
        operationId: 'getFileContent',
        tag: 'Files',
        description: 'A file that is erased while it is read resets the connection.',
        params: FilePathSchema,
        answer: FileContentSchema,
        contentType: 'application/octet-stream',
        errors: ['file_not_found'],
      },
      handle: async (input) => {
        const found = await find(input)
        return {
          kind: 'file',
          contentType: 'application/octet-stream',
          pieces: store.pieces(projectOf(input), found),
          headers: { 'content-length': String(found.bytes) },
          release: () => {},
        }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/files/:file_id',
      summary: 'Erases a file.',
      access: 'caller',
      reference: {
        operationId: 'deleteFile',
        tag: 'Files',
        params: FilePathSchema,
        answer: FileDeletedSchema,
        errors: ['file_not_found', 'file_in_use'],
      },
      handle: async (input) => {
        await store.remove(projectOf(input), idOf(input))
        return { kind: 'json', value: { id: idOf(input), object: 'file', deleted: true } }
      },
    }),
  ]
}
