import type { Exchange } from '../../domain/exchange.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { SafetyPorts } from './safety.ports.ts'

/** Why nobody judged; told to the caller where that is what refuses the call. */
export class NotJudged extends Error {}

/** What a judge found: categories in its words, none where it found nothing. */
export interface Judgement {
  readonly isFlagged: boolean
  readonly categories: readonly string[]
  /** Of the category that it is surest of, from 0 to 1; null where the judge tells none. */
  readonly score: number | null
}

const mostCategories = 5
/** A category in the words of a judge, as it may stand in a log: `violence/graphic`. */
const isName = (name: string): boolean => /^[a-z][a-z0-9_/-]{0,40}$/i.test(name)

/** A judge's answer, in OpenAI's shape (platform.openai.com/docs/api-reference/moderations/object); null where it is none. */
const readJudgement = (answer: Buffer): Judgement | null => {
  try {
    const { results } = JSON.parse(answer.toString()) as {
      results: {
        flagged: boolean
        categories?: Record<string, unknown>
        category_scores?: Record<string, unknown>
      }[]
    }
    if (results.length === 0 || !results.every(({ flagged }) => typeof flagged === 'boolean')) return null
    const named = results.flatMap(({ categories }) =>
      Object.entries(categories ?? {}).flatMap(([name, found]) => (found === true && isName(name) ? [name] : [])),
    )
    const scores = results
      .flatMap(({ category_scores: told }) => Object.values(told ?? {}))
      .filter((score) => typeof score === 'number' && score >= 0 && score <= 1)
    return {
      isFlagged: results.some(({ flagged }) => flagged),
      categories: [...new Set(named)].slice(0, mostCategories),
      score: scores.length === 0 ? null : Math.max(...(scores as number[])),
    }
  } catch {
    return null
  }
}

/** Asks the model that judges. */
export const createModeration =
  ({ model, moderate, judgeMs, clock }: Pick<SafetyPorts, 'model' | 'moderate' | 'judgeMs' | 'clock'>) =>
  /** @throws NotJudged when nobody can tell; AppError when the caller has left. */
  async (text: string, exchange: Exchange, signal: CancelSignal): Promise<Judgement> => {
    if (model === null) throw new NotJudged('safety.moderation_model is not set.')
    let timer = { cancel: () => {} }
    const late = new Promise<never>((_resolve, reject) => {
      timer = clock.after(judgeMs, () => reject(new Error('The judge did not answer in time')))
    })
    let answer: Buffer
    try {
      answer = await Promise.race([moderate(model, text, exchange, signal), late])
    } catch (cause) {
      if (cause instanceof AppError && cause.code === 'client_closed_request') throw cause
      throw new NotJudged('The model that judges does not answer.', { cause })
    } finally {
      timer.cancel()
    }
    const judgement = readJudgement(answer)
    if (judgement === null) throw new NotJudged('The model that judges answers nothing that can be read.')
    return judgement
  }
