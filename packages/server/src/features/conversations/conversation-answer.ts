import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import { createEventReader } from '../../kernel/event-reader.ts'
import type { WireMessage } from './conversations.ports.ts'

interface CallPiece {
  readonly index?: number
  readonly id?: string
  readonly function?: { readonly name?: string; readonly arguments?: string }
}
interface Choice {
  readonly index?: number
  readonly delta?: {
    readonly content?: string | null
    readonly refusal?: string | null
    readonly tool_calls?: readonly CallPiece[] | null
  }
  readonly message?: Readonly<Record<string, unknown>>
  readonly finish_reason?: string | null
}
interface Completion {
  readonly model?: unknown
  readonly choices?: readonly Choice[]
}

/** What an answer has come to. */
export interface AnswerSoFar {
  readonly message: WireMessage
  readonly model: string | null
  readonly finishReason: string | null
}

const textOr = (value: unknown, other: string | null): string | null => (typeof value === 'string' ? value : other)

/** The first answer of a whole completion; null where there is none. */
export const answerOf = (body: Buffer): AnswerSoFar | null => {
  const { model, choices } = JSON.parse(body.toString('utf8')) as Completion
  const choice = Array.isArray(choices) ? choices[0] : undefined
  const { content, refusal, tool_calls: calls } = choice?.message ?? {}
  if (choice?.message === undefined) return null
  return {
    message: {
      role: 'assistant',
      content: content ?? null,
      ...(typeof refusal === 'string' && { refusal }),
      ...(Array.isArray(calls) && calls.length > 0 && { tool_calls: calls }),
    },
    model: textOr(model, null),
    finishReason: textOr(choice.finish_reason, null),
  }
}

/** Puts the first answer of a streamed completion together. Never throws: what cannot be read is passed over. */
export const createAnswer = () => {
  const reader = createEventReader(() => new AppError('upstream_malformed'))
  const calls: { id: string; name: string; arguments: string }[] = []
  let [content, refusal] = ['', '']
  let model: string | null = null
  let finishReason: string | null = null
  let isDone = false
  let changes = 0

  const takeCall = ({ index = calls.length, id, function: called }: CallPiece): void => {
    if (index > 127) return
    const call = (calls[index] ??= { id: '', name: '', arguments: '' })
    call.id ||= id ?? ''
    call.name ||= called?.name ?? ''
    call.arguments += called?.arguments ?? ''
  }
  const take = (data: string): void => {
    if (data === '[DONE]') {
      isDone = true
      return
    }
    const { model: named, choices } = JSON.parse(data) as Completion
    model = textOr(named, model)
    for (const { index = 0, delta, finish_reason: reason } of choices ?? []) {
      if (index !== 0) continue
      content += textOr(delta?.content, '')
      refusal += textOr(delta?.refusal, '')
      for (const call of delta?.tool_calls ?? []) takeCall(call)
      finishReason = textOr(reason, finishReason)
    }
    changes++
  }
  return {
    push: (chunk: Buffer): void => {
      try {
        for (const data of reader.push(chunk)) take(data)
      } catch {
        // What no client could read either; the rest may be better.
      }
    },
    isDone: () => isDone,
    isWhole: () => finishReason !== null,
    /** Grows with everything that comes. */
    changes: () => changes,
    read: (): AnswerSoFar => {
      const called = calls.filter((call) => call !== undefined)
      return {
        message: {
          role: 'assistant',
          content: content === '' && called.length > 0 ? null : content,
          ...(refusal !== '' && { refusal }),
          ...(called.length > 0 && {
            tool_calls: called.map(({ id, ...named }) => ({ id, type: 'function', function: named })),
          }),
        },
        model,
        finishReason,
      }
    },
  }
}
export type Answer = ReturnType<typeof createAnswer>

/**
 * A stream whose answer is kept: its last event leaves once `end` has it, so that whoever has read it finds the same
 * afterwards. Who leaves before is no reason to lose what was made.
 * @param end told once, how it came to be; never rejects.
 */
export const keptAnswer = (
  source: StreamSource,
  answer: Answer,
  end: (isWhole: boolean) => Promise<void>,
): StreamSource => {
  let listener: StreamListener | null = null
  let ended: Promise<void> | null = null
  const finish = (isWhole: boolean): Promise<void> => (ended ??= end(isWhole))
  return {
    ...(source.tell && { tell: (fault: Error) => source.tell?.(fault) ?? '' }),
    start: (given) => {
      listener = given
      source.start({
        data: (chunk) => {
          answer.push(chunk)
          if (!answer.isDone()) {
            listener?.data(chunk)
            return
          }
          // A copy: the memory of a part is used again.
          const last = Buffer.from(chunk)
          void finish(true).then(() => listener?.data(last))
        },
        end: () => void finish(answer.isWhole()).then(() => listener?.end()),
        fail: (fault) => void finish(false).then(() => listener?.fail(fault)),
      })
    },
    pause: () => source.pause(),
    resume: () => source.resume(),
    abort: () => {
      listener = null
      source.abort()
      void finish(answer.isDone())
    },
  }
}
