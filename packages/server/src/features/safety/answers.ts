import type { Exchange } from '../../domain/exchange.ts'
import type { JsonAnswer, StreamSource } from '../../domain/upstream.ts'
import { Cancellation } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import { createBlockList, createTextsLook } from './block-list.ts'
import { textsOfJson } from './json-texts.ts'
import { judgedStream } from './judged-stream.ts'
import { type createModeration, NotJudged } from './moderation.ts'
import { checkedStream } from './output-window.ts'
import type { Policy } from './policy.ts'
import type { CheckName, Decision, SafetyPorts } from './safety.ports.ts'

/** Looks at one answer. */
export interface Inspection {
  /** @throws AppError `answer_blocked`, or `content_not_judged` where nobody can tell */
  readonly whole: (answer: Pick<JsonAnswer, 'body' | 'contentType'>) => Promise<void>
  /** The same stream, which ends with one of these where it may not be shown. */
  readonly stream: (source: StreamSource) => StreamSource
}

/** What an answer says: the texts of JSON, or all of what is none, such as subtitles. */
const textsOf = ({
  body,
  contentType = 'application/json',
}: Pick<JsonAnswer, 'body' | 'contentType'>): readonly string[] =>
  contentType.includes('json')
    ? textsOfJson(body, 0, body.length).texts.map(({ text }) => text)
    : [body.toString('utf8')]

/** Builds the look at answers: block lists, and under `demo` the model that judges. Null where neither would look at any. */
export const createInspection = (
  { rules, model, onVerdict }: SafetyPorts,
  moderation: ReturnType<typeof createModeration>,
): ((exchange: Exchange, policy: Policy) => Inspection | undefined) | null => {
  const list = createBlockList(rules.block, 'answers')
  if (list === null && model === null) return null
  return (exchange, policy) => {
    const isJudged = policy === 'demo'
    if (policy === 'off' || (list === null && !isJudged)) return undefined
    const tell = (
      check: CheckName,
      decision: Decision,
      category: string | null = null,
      score: number | null = null,
    ): void => onVerdict(exchange, { check, decision, category, score, of: 'answer' })
    const blocked = (category: string): AppError => {
      tell('block_list', 'refused', category)
      return new AppError('answer_blocked')
    }
    const passed = (): void => tell('block_list', 'passed')
    const left = new Cancellation()

    /** Why a text may not be shown; null where it may. */
    const judge = async (text: string): Promise<AppError | null> => {
      try {
        const { isFlagged, categories, score } = await moderation(text, exchange, left)
        tell('moderation', isFlagged ? 'refused' : 'passed', categories.join(', ') || null, score)
        return isFlagged ? new AppError('answer_blocked') : null
      } catch (fault) {
        if (!(fault instanceof NotJudged)) return new AppError('client_closed_request', { cause: fault })
        tell('moderation', 'not_judged')
        return new AppError('content_not_judged', { detail: fault.message, cause: fault })
      }
    }

    return {
      whole: async (answer) => {
        const texts = textsOf(answer)
        if (list !== null) {
          const look = createTextsLook(list)
          for (const text of texts) {
            const name = look(text)
            if (name !== null) throw blocked(name)
          }
          passed()
        }
        const said = isJudged ? texts.join('\n') : ''
        const fault = said === '' ? null : await judge(said)
        if (fault !== null) throw fault
      },
      stream: (source) => {
        const checked =
          list === null
            ? source
            : checkedStream(source, list, rules.window_characters, blocked, passed, exchange.continues)
        return isJudged ? judgedStream(checked, judge, () => left.abort()) : checked
      },
    }
  }
}
