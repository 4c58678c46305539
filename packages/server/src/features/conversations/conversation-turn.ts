import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { StreamSource } from '../../domain/upstream.ts'
import { addWarning } from '../../domain/warning.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { type AnswerSoFar, answerOf, createAnswer, keptAnswer } from './conversation-answer.ts'
import type { AnswerStore, OpenAnswer } from './conversation-answers.store.ts'
import type { AskForSummary, Context, Contexts } from './conversation-context.ts'
import { type MessageStore, messageText } from './conversation-messages.store.ts'
import { ownerOf, readSessionHeader } from './conversation-owner.ts'
import type { SessionStore } from './conversation-sessions.store.ts'
import { plainText } from './conversation-words.ts'
import type { ConversationBounds, NewMessage, WireMessage } from './conversations.ports.ts'

/** A call of the house’s own, on the account of whoever called. */
export type AskModel = (call: {
  readonly caller: Exchange['caller']
  readonly user: string | null
  readonly body: Buffer
  readonly signal: CancelSignal
  readonly safe: string | undefined
}) => Promise<Buffer>

/** What calls in sessions need. */
export interface TurnOptions {
  readonly sessions: SessionStore
  readonly messages: MessageStore
  readonly answers: AnswerStore
  readonly contexts: Contexts
  readonly clock: Clock
  readonly log: Log
  readonly newId: (prefix: 'ses' | 'msg', later?: number) => string
  readonly tokensOf: (message: WireMessage) => Promise<number>
  readonly bounds: () => ConversationBounds
  readonly context: () => { readonly tokens: number; readonly summaryModel: string | null }
  readonly askModel: AskModel
}

/** A call in a session: what stands before its messages, and where its answer goes. */
export interface Turn {
  readonly context: readonly WireMessage[]
  /** Keeps both sides of a call whose answer is whole. Never rejects. */
  readonly whole: (body: Buffer) => Promise<void>
  /** The same stream, both sides kept however it ends. Never rejects. */
  readonly stream: (source: StreamSource) => Promise<StreamSource>
}

/** A session that a call names. */
export interface OpenedSession {
  /** Members of a call that says nothing of them. */
  readonly defaults: Readonly<Record<string, unknown>>
  /** @throws AppError `message_not_found`, `session_busy`, `session_quota_exceeded`, `request_too_large` */
  readonly prepare: (asked: {
    readonly messages: readonly WireMessage[]
    readonly model: string
    /** Checks that the call asks for hold for what is made on its behalf too. */
    readonly safe: string | undefined
    readonly signal: CancelSignal
  }) => Promise<Turn>
}

/** How often an answer that is being made is written down: what a killed process loses. */
const CHECKPOINT_MS = 2_000
/** What has ended is written again for so long when the database is away, with pauses that double. */
const TRIES = 6
const FIRST_PAUSE_MS = 500
/** Longest that the end of a stream waits until it is written down. */
const MOST_WAIT_MS = 3_000
const COULD_NOT = 'A turn of a session could not be kept'

/** Opens sessions for calls, and writes down what comes of them. */
export const createTurns = (options: TurnOptions) => {
  const { sessions, messages, answers, contexts, clock, log, newId, tokensOf, bounds } = options
  const pending = new Set<Promise<void>>()
  let isStopping = false
  const pause = (milliseconds: number) => new Promise<void>((resolve) => void clock.after(milliseconds, resolve))

  const persist = async (write: () => Promise<void>): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write()
      } catch (error) {
        if (error instanceof AppError && error.code === 'session_not_found') return
        if (attempt >= TRIES || isStopping) {
          log.warn({ component: 'conversations', error: error as Error }, COULD_NOT)
          return
        }
        await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1))
      }
    }
  }

  /** Follows an answer on its way, and writes it down: now and then, and at its end. */
  const follow = (source: StreamSource, place: OpenAnswer, requestId: string): StreamSource => {
    const answer = createAnswer()
    const content = () => ({ ...answer.read(), requestId })
    let written = 0
    let isWriting = false
    const note = async (): Promise<void> => {
      if (isWriting) return
      isWriting = true
      const changes = answer.changes()
      await answers.checkpoint(place, changes === written ? null : content()).then(
        () => {
          written = changes
        },
        () => undefined,
      )
      isWriting = false
    }
    const timer = clock.every(CHECKPOINT_MS, () => void note())
    return keptAnswer(source, answer, (isWhole) => {
      timer.cancel()
      const last = content()
      const ended = persist(async () => {
        const end = { status: isWhole ? 'complete' : 'incomplete', tokens: await tokensOf(last.message) } as const
        await answers.end(place, last, end)
      })
      pending.add(ended)
      void ended.finally(() => pending.delete(ended))
      return Promise.race([ended, pause(MOST_WAIT_MS)])
    })
  }

  const summaries =
    ({ caller, user }: Exchange, model: string, safe: string | undefined, signal: CancelSignal): AskForSummary =>
    async (instructions, transcript, mostTokens) => {
      const request = {
        model,
        max_completion_tokens: mostTokens,
        messages: [
          { role: 'system', content: `${instructions} No more than ${Math.floor(mostTokens / 2)} words.` },
          { role: 'user', content: transcript },
        ],
      }
      const body = Buffer.from(JSON.stringify(request))
      const answer = answerOf(await options.askModel({ caller, user, body, signal, safe }))
      return answer === null ? '' : plainText(answer.message)
    }

  const tell = (headers: Record<string, string>, { told, summarised, omitted }: Context): void => {
    headers[header.context] = `messages=${told}, summarised=${summarised}, omitted=${omitted}`
    if (omitted > 0)
      addWarning(headers, `${omitted} earlier messages of the session are left out: no summary could be made`)
  }

  /** @throws AppError of what a call needs in vain, before it costs anything. */
  const checkRoom = (present: number, asked: readonly WireMessage[]): void => {
    const { messages: most, messageBytes } = bounds()
    if (present + asked.length + 1 > most)
      throw new AppError('session_quota_exceeded', { params: { option: 'sessions.max_messages', limit: most } })
    const nothing = { model: null, requestId: null, finishReason: null }
    if (asked.some((message) => Buffer.byteLength(messageText({ message, ...nothing })) > messageBytes))
      throw new AppError('request_too_large', { params: { limit_bytes: messageBytes } })
  }

  /**
   * Opens the session that a call names.
   * @throws AppError `session_not_found`, `secret_key_required`, `invalid_parameter`
   */
  const open = async (
    exchange: Exchange,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): Promise<OpenedSession> => {
    const { sessionId, parent } = readSessionHeader(headers[header.session])
    const owner = ownerOf(exchange)
    const session = await sessions.get(owner, sessionId)
    const { agent, settings } = session
    const leaf = parent === undefined ? session.activeLeaf : parent

    const prepare: OpenedSession['prepare'] = async ({ messages: asked, model, safe, signal }) => {
      checkRoom(session.messages, asked)
      const { tokens, summaryModel } = options.context()
      const ask = summaries(exchange, settings?.summary_model ?? summaryModel ?? model, safe, signal)
      const budget = settings?.context_tokens ?? tokens
      const wish = { owner, sessionId, leaf, budget, mostMessages: bounds().messages, ask }
      const context = await contexts.load(wish, asked)
      exchange.headers[header.session] = sessionId
      tell(exchange.headers, context)
      const system: WireMessage[] = agent?.system === undefined ? [] : [{ role: 'system', content: agent.system }]
      const requestId = exchange.id

      const entries = async (answer: AnswerSoFar, status: NewMessage['status']): Promise<NewMessage[]> => {
        const said = asked.map(
          async (message, index): Promise<NewMessage> => ({
            ...{ id: newId('msg', index), message, model: null, requestId, finishReason: null, status: 'complete' },
            tokens: await tokensOf(message),
          }),
        )
        const id = newId('msg', asked.length)
        return [
          ...(await Promise.all(said)),
          { ...answer, id, requestId, status, tokens: await tokensOf(answer.message) },
        ]
      }
      /** The id of the answer; null where nothing could be kept. */
      const keep = async (answer: AnswerSoFar, status: NewMessage['status']): Promise<string | null> => {
        try {
          const all = await entries(answer, status)
          await messages.add(owner, sessionId, { parent: leaf, isActive: true }, all)
          const { id } = all.at(-1) as NewMessage
          exchange.headers[header.message] = id
          return id
        } catch (error) {
          log.warn({ component: 'conversations', error: error as Error }, COULD_NOT)
          addWarning(exchange.headers, 'The session could not be kept')
          return null
        }
      }
      return {
        context: [...system, ...context.messages],
        whole: async (body) => {
          const answer = answerOf(body)
          if (answer !== null) await keep(answer, 'complete')
        },
        stream: async (source) => {
          const nothing = { message: { role: 'assistant', content: '' }, model: null, finishReason: null }
          const id = await keep(nothing, 'in_progress')
          return id === null ? source : follow(source, { owner, sessionId, id }, requestId)
        },
      }
    }
    return {
      defaults: {
        ...agent?.parameters,
        ...(agent?.tools !== undefined && agent.tools.length > 0 && { tools: agent.tools }),
        ...(agent?.model !== undefined && { model: agent.model }),
      },
      prepare,
    }
  }

  return {
    open,
    /** Ends answers whose process has gone with what had been written down. */
    settleLost: async (): Promise<void> => {
      for (const lost of await answers.lost())
        await answers.end(lost, null, { status: 'incomplete', tokens: null }).catch((error: Error) => {
          // A session that was erased meanwhile has nothing left to settle.
          if (!(error instanceof AppError)) throw error
        })
    },
    stop: async (): Promise<void> => {
      isStopping = true
      await Promise.all(pending)
    },
  }
}
