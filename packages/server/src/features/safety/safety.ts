import { AppError } from '../../kernel/errors.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'

/** What became of a request that is judged, for the metrics. */
export type Verdict = 'passed' | 'refused' | 'not_judged'

export interface SafetyPorts {
  /** Model that judges; null where none does. */
  readonly model: string | null
  /** A judge that thinks longer counts as away, in milliseconds. */
  readonly judgeMs: number
  /** Asks that model; gives the body of its answer. @throws AppError when it does not answer. */
  readonly moderate: (model: string, text: string, exchange: Exchange, signal: CancelSignal) => Promise<Buffer>
  /** Whether what a target draws can harm nobody, whatever it is asked for. */
  readonly isHarmless: (target: Target) => boolean
  readonly clock: Pick<Clock, 'after'>
  readonly onVerdict: (verdict: Verdict) => void
}

/** Judges what strangers ask for, before anything is made. */
export interface Safety {
  /**
   * Passes what need not be judged at once.
   * @throws AppError `content_refused`, or `content_not_judged` where nobody can tell
   */
  readonly judge: (
    exchange: Exchange,
    request: InferenceRequest,
    targets: readonly Target[],
    signal: CancelSignal,
  ) => Promise<void> | undefined
}

const pictures: ReadonlySet<Operation> = new Set(['images', 'image_edits', 'image_variations'])

/** Who comes with what is open to everyone. */
const isStranger = ({ kind, tier, person }: Caller): boolean =>
  tier === 'anonymous' || (kind === 'publishable' && person === null)

const promptOf = ({ body, members }: InferenceRequest): string => {
  const span = members.get('prompt')
  return span === undefined ? '' : String(JSON.parse(body.toString('utf8', span.start, span.end)))
}

/** Whether a judge's answer, in OpenAI's shape, finds anything; null where it is none. */
const isFlagged = (answer: Buffer): boolean | null => {
  try {
    const { results } = JSON.parse(answer.toString()) as { results: { flagged: boolean }[] }
    const verdicts = results.map(({ flagged }) => flagged)
    return verdicts.length > 0 && verdicts.every((verdict) => typeof verdict === 'boolean')
      ? verdicts.includes(true)
      : null
  } catch {
    return null
  }
}

/** Builds the judge. Without a model every picture for a stranger that might harm is refused. */
export const createSafety = ({ model, moderate, judgeMs, isHarmless, clock, onVerdict }: SafetyPorts): Safety => {
  const notJudged = (detail: string, cause?: unknown): AppError => {
    onVerdict('not_judged')
    return new AppError('content_not_judged', { detail, cause })
  }

  const askJudge = async (judge: string, text: string, exchange: Exchange, signal: CancelSignal): Promise<Buffer> => {
    let timer = { cancel: () => {} }
    const late = new Promise<never>((_resolve, reject) => {
      timer = clock.after(judgeMs, () => reject(new Error('The judge did not answer in time')))
    })
    try {
      return await Promise.race([moderate(judge, text, exchange, signal), late])
    } catch (cause) {
      if (cause instanceof AppError && cause.code === 'client_closed_request') throw cause
      throw notJudged('The model that judges pictures for strangers does not answer.', cause)
    } finally {
      timer.cancel()
    }
  }

  return {
    judge: (exchange, request, targets, signal) => {
      if (!pictures.has(request.operation) || !isStranger(exchange.caller) || targets.every(isHarmless))
        return undefined
      if (model === null) throw notJudged('Pictures for strangers are judged, and safety.moderation_model is not set.')
      // A picture that is sent cannot be judged by its words.
      if (request.operation !== 'images') throw notJudged('Strangers may have pictures made, and none changed.')
      return askJudge(model, promptOf(request), exchange, signal).then((answer) => {
        const flagged = isFlagged(answer)
        if (flagged === null)
          throw notJudged('The model that judges pictures for strangers answers nothing that can be read.')
        if (flagged) {
          onVerdict('refused')
          throw new AppError('content_refused')
        }
        onVerdict('passed')
      })
    },
  }
}
