import { AppError } from '../../kernel/errors.ts'
import type { BodyStream } from '../../kernel/route.ts'
import type { HeldBytes, Images, WrittenFormat } from './images.ts'
import { SNIFFED_BYTES, sniff } from './sniff.ts'

/** How a picture is wanted anew. */
export interface Rewriting {
  readonly images: Pick<Images, 'rewrite' | 'hold'>
  readonly maxBytes: number
  readonly to: WrittenFormat | undefined
}

/**
 * A body whose picture is written anew before anything of it is kept.
 * @throws AppError `length_required`, `request_too_large`, `overloaded`, and as `Images` does.
 */
export const rewrittenBody = async (body: BodyStream, { images, maxBytes, to }: Rewriting): Promise<BodyStream> => {
  if (body.length === null) throw new AppError('length_required')
  const tooLarge = () => new AppError('request_too_large', { params: { limit_bytes: maxBytes } })
  if (body.length > maxBytes) throw tooLarge()
  const rewritten = async (held: HeldBytes): Promise<Buffer> => {
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of body.pieces()) {
      bytes += piece.length
      if (bytes > maxBytes) throw tooLarge()
      held.add(piece.length)
      pieces.push(piece)
    }
    const whole = Buffer.concat(pieces, bytes)
    const { type } = await sniff(whole.subarray(0, SNIFFED_BYTES), { isUtf8: false, hasNul: true })
    return images.rewrite(whole, type, to)
  }
  const held = images.hold()
  const made = await rewritten(held).finally(held.release)
  return {
    length: made.length,
    pieces: async function* () {
      yield made
    },
  }
}
