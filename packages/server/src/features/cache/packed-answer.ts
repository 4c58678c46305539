import type { MediaTold } from '../../domain/media.ts'
import type { Usage } from '../../domain/usage.ts'

/** What is kept of an answer beside its bytes. */
export interface AnswerHead {
  readonly kind: 'json' | 'events' | 'binary'
  /** Milliseconds since the epoch. */
  readonly madeAt: number
  readonly status: number
  readonly contentType?: string | undefined
  readonly usage: Usage | null
  readonly media?: MediaTold | undefined
  readonly isMessage?: boolean | undefined
  readonly warning?: string | undefined
}

/** An answer that can be given again. */
export interface PackedAnswer {
  readonly head: AnswerHead
  readonly body: Buffer
}

const LENGTH_BYTES = 4

/** One piece of bytes: the length of the head, the head, the body. */
export const packAnswer = ({ head, body }: PackedAnswer): Buffer => {
  const text = Buffer.from(JSON.stringify(head))
  const length = Buffer.allocUnsafe(LENGTH_BYTES)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, text, body])
}

/** The reverse of `packAnswer`; the body is not copied. */
export const unpackAnswer = (packed: Buffer): PackedAnswer => {
  const start = LENGTH_BYTES + packed.readUInt32BE(0)
  return {
    head: JSON.parse(packed.toString('utf8', LENGTH_BYTES, start)) as AnswerHead,
    body: packed.subarray(start),
  }
}
