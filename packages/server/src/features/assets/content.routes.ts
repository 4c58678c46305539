import {
  type AssetContentQuery,
  AssetContentQuerySchema,
  AssetContentSchema,
  AssetPathSchema,
  AssetTextQuerySchema,
} from '@headgate/contract/assets.ts'
import { header } from '@headgate/contract/headers.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import { ASKED_AGAIN, type FindVersion, FOR_GOOD } from './asset-versions.ts'
import type { ReadChunks } from './read-chunks.ts'
import { serveContent, tellLength } from './serve-content.ts'
import { inUtf8 } from './text-encoding.ts'

interface ContentRoutesOptions {
  readonly find: FindVersion
  readonly read: ReadChunks
}

/** The contents of `/v1/assets`. */
export const contentRoutes = ({ find, read }: ContentRoutesOptions): Route[] => {
  const shared = { browser: 'person', prefixedOnly: true } as const
  const reference = {
    tag: 'Assets',
    params: AssetPathSchema,
    answer: AssetContentSchema,
    errors: ['asset_not_found', 'asset_store_unavailable'],
  } as const
  return [
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/assets/:asset_id/content',
      summary: 'The bytes of an asset.',
      query: AssetContentQuerySchema,
      reference: {
        ...reference,
        operationId: 'getAssetContent',
        description:
          'Takes `Range`, `If-Range` and `If-None-Match`. An asset that is erased while it is read resets the connection.',
        contentType: '*/*',
        otherAnswers: {
          206: { description: 'The part that `Range` asks for.', answer: AssetContentSchema },
          304: { description: 'It is as the caller has it.' },
        },
        answerHeaders: [header.etag, header.acceptRanges, header.contentRange, header.contentDisposition],
        errors: [...reference.errors, 'range_not_satisfiable'],
      },
      handle: async (input) => {
        const { name, found, isNamed } = await find(input)
        const inline = (input.query as AssetContentQuery).disposition === 'inline'
        const serving = { name, inline, cacheControl: isNamed ? FOR_GOOD : ASKED_AGAIN }
        const { projectId } = input.exchange.caller
        return serveContent(read, projectId, found, input.headers, serving).catch((fault: unknown) =>
          tellLength(fault, input.exchange.headers),
        )
      },
    }),
    defineRoute({
      ...shared,
      access: 'caller',
      method: 'GET',
      path: '/v1/assets/:asset_id/text',
      summary: 'A text in UTF-8, in whatever encoding it was uploaded.',
      query: AssetTextQuerySchema,
      reference: {
        ...reference,
        operationId: 'getAssetText',
        contentType: 'text/plain',
        errors: [...reference.errors, 'asset_not_convertible'],
      },
      handle: async (input) => {
        const { found } = await find(input)
        if (found.charset === null) throw new AppError('asset_not_convertible')
        const pieces = await read.open(input.exchange.caller.projectId, found.blob, { from: 0, bytes: found.bytes })
        return {
          kind: 'file',
          contentType: 'text/plain; charset=utf-8',
          pieces: inUtf8(pieces, found.charset),
          headers: { 'x-content-type-options': 'nosniff', 'cache-control': ASKED_AGAIN },
          release: () => {},
        }
      },
    }),
  ]
}
