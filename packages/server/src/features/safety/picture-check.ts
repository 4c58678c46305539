import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import { addWarning } from '../../domain/warning.ts'
import { Cancellation, type CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import type { PictureScores } from './picture-bench.ts'
import { type FoundPictures, picturesOfAnswer, picturesOfRequest } from './pictures.ts'
import type { Policy } from './policy.ts'
import type { SafetyPorts } from './safety.ports.ts'

/** More pictures of one request are not looked at: each takes a fifth of a second of a core. */
const mostPictures = 16

/** How sure the model is that a picture is indecent: explicit, or under `demo` also suggestive. */
const scoreOf = (policy: Policy, { porn, hentai, sexy }: PictureScores): number =>
  Math.min(1, porn + hentai + (policy === 'demo' ? sexy : 0))

/** Builds the look at pictures; null where no model is set. */
export const createPictureCheck = ({ look, rules, judgeMs, onVerdict }: SafetyPorts) => {
  if (look === null) return null

  const judge = async (
    exchange: Exchange,
    { pictures, unseen }: FoundPictures,
    policy: Policy,
    of: 'prompt' | 'answer',
    signal: CancelSignal,
  ): Promise<number> => {
    if (pictures.length === 0 && unseen === 0) return 0
    const isStrict = policy === 'demo'
    const percent = isStrict ? rules.image_percent_demo : rules.image_percent_main
    const doubt = (detail: string, cause?: unknown): void => {
      onVerdict(exchange, { check: 'pictures', decision: 'not_judged', category: null, of })
      if (isStrict) throw new AppError('content_not_judged', { detail, cause })
      addWarning(exchange.headers, detail)
    }
    let judged = 0
    let worst = 0
    for (const bytes of pictures.slice(0, mostPictures)) {
      let score: number
      try {
        score = scoreOf(policy, await look(bytes, judgeMs, signal))
      } catch (cause) {
        if (signal.aborted) throw new AppError('client_closed_request', { cause })
        doubt('A picture was not judged: it cannot be read, or what looks at pictures does not answer.', cause)
        continue
      }
      worst = Math.max(worst, score)
      if (score * 100 >= percent) {
        onVerdict(exchange, { check: 'pictures', decision: 'refused', category: 'indecent', score, of })
        throw new AppError(of === 'prompt' ? 'content_refused' : 'answer_blocked')
      }
      judged++
    }
    if (pictures.length > mostPictures) doubt(`More than ${mostPictures} pictures are not judged.`)
    if (unseen > 0) doubt('A picture of which only the address is known was not judged.')
    if (judged > 0) onVerdict(exchange, { check: 'pictures', decision: 'passed', category: null, score: worst, of })
    return judged
  }

  return {
    /**
     * Looks at the pictures of a request; gives how many were judged.
     * @throws AppError `content_refused`; under `demo` `content_not_judged` where one cannot be judged
     */
    ofPrompt: (exchange: Exchange, request: InferenceRequest, policy: Policy, signal: CancelSignal): Promise<number> =>
      judge(exchange, picturesOfRequest(request), policy, 'prompt', signal),
    /** Looks at those of a whole answer. @throws AppError `answer_blocked`; under `demo` `content_not_judged` */
    ofAnswer: async (exchange: Exchange, operation: string, body: Buffer, policy: Policy): Promise<void> => {
      await judge(exchange, picturesOfAnswer(operation, body), policy, 'answer', new Cancellation())
    },
  }
}
