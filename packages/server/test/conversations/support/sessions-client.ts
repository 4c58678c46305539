import type { SessionMessageView, SessionView } from '@headgate/contract/conversations.ts'
import { expect } from 'vitest'

/** What one request is made of. */
export interface Ask {
  readonly method?: string
  readonly body?: unknown
  /** A body that is no JSON. */
  readonly raw?: string
  readonly user?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** A page of a list. */
export interface Page<Item> {
  readonly data: Item[]
  readonly has_more: boolean
  readonly next_cursor: string | null
}

/** Calls of one key, for people whom it names. */
export const createSessionsClient = (url: string, key: string) => {
  const ask = (path: string, { method, body, raw, user, headers = {}, signal }: Ask = {}): Promise<Response> =>
    fetch(`${url}/v1${path}`, {
      method: method ?? (body === undefined && raw === undefined ? 'GET' : 'POST'),
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(user !== undefined && { 'x-headgate-user': user }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(raw !== undefined && { body: raw }),
      ...(signal && { signal }),
    })
  /** The answer of what must go well. */
  const told = async <T>(path: string, options: Ask = {}): Promise<T> => {
    const answer = await ask(path, options)
    expect(answer.status, await answer.clone().text()).toBeLessThan(300)
    return (await answer.json()) as T
  }
  const begin = (user: string, fields: object = {}) => told<SessionView>('/sessions', { body: fields, user })
  const say = (user: string, session: string, content: unknown, role = 'user', more: object = {}) =>
    told<SessionMessageView>(`/sessions/${session}/messages`, { body: { message: { role, content }, ...more }, user })
  /** The active branch, oldest first. */
  const branch = async (user: string, session: string): Promise<SessionMessageView[]> =>
    (await told<Page<SessionMessageView>>(`/sessions/${session}/messages`, { user })).data.toReversed()
  /** A call in a session. */
  const chat = (user: string, session: string, body: object, signal?: AbortSignal) =>
    ask('/chat/completions', { body, user, headers: { 'x-headgate-session': session }, ...(signal && { signal }) })
  return { ask, told, begin, say, branch, chat }
}
export type SessionsClient = ReturnType<typeof createSessionsClient>
