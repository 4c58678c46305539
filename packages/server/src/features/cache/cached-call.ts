import type { Recording } from '../../domain/cached-answer.ts'
import type { Target } from '../../domain/model.ts'
import type { UpstreamAnswer } from '../../domain/upstream.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { replay, tape } from './flowing.ts'
import type { PackedAnswer } from './packed-answer.ts'

/** Keeps an answer. Never rejects. */
export type Keep = (answer: PackedAnswer) => Promise<void>

interface Watched {
  readonly now: () => number
  readonly maxAnswerBytes: number
  readonly signal: CancelSignal
  readonly keep: Keep
  /** Ends the turn without an answer. Never rejects. */
  readonly release: (outcome: 'left' | 'none') => Promise<void>
}

/** Keeps an answer that is whole; of one that flows, what was written down once its end has been seen to be the right one. */
export const watchAnswer = async (answer: UpstreamAnswer, watched: Watched): Promise<UpstreamAnswer> => {
  const { now, maxAnswerBytes, signal, keep, release } = watched
  if (answer.kind === 'json') {
    const { status, body, contentType, usage, media, isMessage, warning } = answer
    const head = { kind: 'json', madeAt: now(), status, contentType, usage, media, isMessage, warning } as const
    await (body.length <= maxAnswerBytes ? keep({ head, body }) : release('none'))
    return answer
  }
  const { source, body } = tape(answer.source, maxAnswerBytes)
  const recording: Recording = {
    keep: () => {
      const whole = body()
      const contentType = answer.kind === 'binary' ? answer.contentType : undefined
      const head = { kind: answer.kind, madeAt: now(), status: 200, contentType, usage: null, warning: answer.warning }
      void (whole === null ? release('none') : keep({ head, body: whole }))
    },
    drop: () => void release(signal.aborted ? 'left' : 'none'),
  }
  return { ...answer, source, recording }
}

/** The answer as if the provider gave it now. */
export const answerAgain = ({ head, body }: PackedAnswer, target: Target): UpstreamAnswer => {
  const { kind, warning } = head
  const known = { target, attempts: [], warning, isRecalled: true } as const
  if (kind === 'json') {
    const { status, contentType, usage, media, isMessage } = head
    return { kind, ...known, status, body, contentType, usage, media, isMessage }
  }
  const flowing = { ...known, source: replay(body), release: () => {} }
  return kind === 'events'
    ? { kind, ...flowing }
    : { kind, ...flowing, contentType: head.contentType ?? 'application/octet-stream' }
}
