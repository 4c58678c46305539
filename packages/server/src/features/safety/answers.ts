import type { Exchange } from '../../domain/exchange.ts'
import type { JsonAnswer, StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import { createBlockList, findBlocked } from './block-list.ts'
import { textsOfJson } from './json-texts.ts'
import { checkedStream } from './output-window.ts'
import type { SafetyPorts } from './safety.ports.ts'

/** Looks at one answer. */
export interface Inspection {
  /** @throws AppError `answer_blocked` */
  readonly whole: (answer: Pick<JsonAnswer, 'body' | 'contentType'>) => void
  /** The same stream, which ends with `answer_blocked` where something is found. */
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

/** Builds the look at answers; null where no list applies to them. */
export const createInspection = ({ rules, onVerdict }: SafetyPorts): ((exchange: Exchange) => Inspection) | null => {
  const list = createBlockList(rules.block, 'answers')
  if (list === null) return null
  return (exchange) => {
    const blocked = (category: string): AppError => {
      onVerdict(exchange, { check: 'block_list', decision: 'refused', category, of: 'answer' })
      return new AppError('answer_blocked')
    }
    const passed = (): void =>
      onVerdict(exchange, { check: 'block_list', decision: 'passed', category: null, of: 'answer' })
    return {
      whole: (answer) => {
        for (const text of textsOf(answer)) {
          const name = findBlocked(list, text)
          if (name !== null) throw blocked(name)
        }
        passed()
      },
      stream: (source) => checkedStream(source, list, rules.window_characters, blocked, passed),
    }
  }
}
