import { AppError } from '../../kernel/errors.ts'
import type { BodyStream } from '../../kernel/route.ts'
import type { Images, WrittenFormat } from './images.ts'
import { SNIFFED_BYTES, sniff } from './sniff.ts'

/** How a picture is wanted anew. */
export interface Rewriting {
  readonly images: Pick<Images, 'rewrite'>
  readonly maxBytes: number
  readonly to: WrittenFormat | undefined
}

/**
 * A body whose picture is written anew before anything of it is kept.
 * @throws AppError `length_required`, `request_too_large`, and as `Images` does.
 */
export const rewrittenBody = async (body: BodyStream, { images, maxBytes, to }: Rewriting): Promise<BodyStream> => {
  if (body.length === null) throw new AppError('length_required')
  const tooLarge = () => new AppError('request_too_large', { params: { limit_bytes: maxBytes } })
  if (body.length > maxBytes) throw tooLarge()
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of body.pieces()) {
    bytes += piece.length
    if (bytes > maxBytes) throw tooLarge()
    pieces.push(piece)
  }
  const whole = Buffer.concat(pieces, bytes)
  const { type } = await sniff(whole.subarray(0, SNIFFED_BYTES), { isUtf8: false, hasNul: true })
  const made = await images.rewrite(whole, type, to)
  return {
    length: made.length,
    pieces: async function* () {
      yield made
    },
  }
}
