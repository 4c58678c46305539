import { createHash } from 'node:crypto'
import { header } from '@headgate/contract/headers.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { MarkedCall, OriginRecord, RecordedKind } from './provenance.ports.ts'
import { createTextDigest } from './text-digest.ts'

/** Texts of one call, written down as they leave. */
export interface TextRecord {
  /** @param answer Which of several answers it belongs to. */
  add(answer: number, text: string): void
  /** Nothing follows; what was said is recorded. */
  end(): void
}

/** Bytes of one call, such as speech. */
export interface ByteRecord {
  add(chunk: Buffer): void
  end(): void
}

/** Answers of one call that are recorded; more are asked for by nobody. */
const MOST_ANSWERS = 128

/** Turns what leaves into records. */
export const createRecording = (push: (record: OriginRecord) => void, clock: Pick<Clock, 'now'>) => {
  /** @param digests Hexadecimal, by position; null where an output is not recorded. */
  const record = (
    { id, headers, caller }: MarkedCall,
    kind: RecordedKind,
    digests: readonly (string | null)[],
  ): void => {
    const made = {
      projectId: caller.projectId,
      requestId: id,
      kind,
      model: headers[header.model] ?? 'unknown',
      provider: headers[header.provider] ?? 'unknown',
      at: clock.now(),
    }
    for (const [position, sha256] of digests.slice(0, MOST_ANSWERS).entries())
      if (sha256 !== null) push({ ...made, position, sha256 })
  }
  return {
    record,
    texts: (call: MarkedCall): TextRecord => {
      const texts: ReturnType<typeof createTextDigest>[] = []
      return {
        add: (answer, text) => {
          if (!Number.isInteger(answer) || answer < 0 || answer >= MOST_ANSWERS) return
          while (texts.length <= answer) texts.push(createTextDigest())
          texts[answer]?.add(text)
        },
        end: () =>
          record(
            call,
            'text',
            texts.map((text) => text.digest()),
          ),
      }
    },
    bytes: (call: MarkedCall): ByteRecord => {
      const hash = createHash('sha256')
      return { add: (chunk) => void hash.update(chunk), end: () => record(call, 'audio', [hash.digest('hex')]) }
    },
  }
}
