import { audioMs } from '../../domain/audio-length.ts'
import type { MediaRequest } from '../../domain/media.ts'
import { nothingTold } from '../../domain/media-report.ts'
import { AppError } from '../../kernel/errors.ts'
import type { MediaFlow } from './media-flow.ts'

/** What of the ends is kept, where headers and the last page of a file stand. */
const headBytes = 4_096
const tailBytes = 8_192

const joined = (kept: Buffer, bytes: Buffer): Buffer => (kept.length === 0 ? bytes : Buffer.concat([kept, bytes]))

/** Bytes of speech: counted, and their length in time read from their ends. */
export const createBinaryFlow = (hand: (bytes: Buffer) => void, asked: MediaRequest, maxBytes: number): MediaFlow => {
  let head: Buffer = Buffer.alloc(0)
  let tail: Buffer = Buffer.alloc(0)
  let total = 0

  return {
    push: (bytes) => {
      total += bytes.length
      if (total > maxBytes) throw new AppError('upstream_response_too_large')
      if (head.length < headBytes) head = Buffer.from(joined(head, bytes.subarray(0, headBytes - head.length)))
      tail = Buffer.from(
        bytes.length >= tailBytes ? bytes.subarray(-tailBytes) : joined(tail, bytes).subarray(-tailBytes),
      )
      hand(bytes)
    },
    isDone: () => false,
    faultAtEnd: () => (total === 0 ? new AppError('upstream_truncated') : null),
    last: () => null,
    told: () => {
      const length = audioMs(head, tail, total, asked.format)
      return { ...nothingTold, audioMs: length === null ? null : Math.round(length) }
    },
  }
}
