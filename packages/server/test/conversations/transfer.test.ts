import type { SessionDocument } from '@headgate/contract/conversation-transfer.ts'
import type { SessionMessageView, SessionView } from '@headgate/contract/conversations.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectFetchedError } from '../input/error-shape.ts'
import { type House, startHouse } from '../support/house.ts'
import { createSessionsClient, type Page, type SessionsClient } from './support/sessions-client.ts'

let house: House
let client: SessionsClient
beforeAll(async () => {
  house = await startHouse({ environment: { HEADGATE_SESSIONS_MAX_MESSAGES: '100' } })
  client = createSessionsClient(house.url, (await house.makeKey()).key)
}, 60_000)
afterAll(() => house.stop())

const bringIn = (user: string, format: string, document: unknown) =>
  client.ask('/sessions/import', { body: { format, document }, user })
const taken = async (user: string, id: string, format: string): Promise<Response> =>
  client.ask(`/sessions/${id}/export?format=${format}`, { user })
const documentOf = async (user: string, id: string) => (await (await taken(user, id, 'json')).json()) as SessionDocument
/** A document whose ids are places, so that two of the same session are equal. */
const placed = ({ messages, active_leaf: leaf, created_at: _at, ...head }: SessionDocument) => {
  const paths = new Map<string | null, string>([[null, '']])
  const byId = new Map(messages.map((message) => [message.id, message]))
  const nameOf = (id: string | null): string => {
    const known = paths.get(id)
    if (known !== undefined) return known
    const { parent_id: parent, message } = byId.get(id as string) as SessionDocument['messages'][number]
    const name = `${nameOf(parent)}/${JSON.stringify(message)}`
    paths.set(id, name)
    return name
  }
  const told = messages.map(({ id, parent_id: _parent, ...rest }) => ({ ...rest, place: nameOf(id) }))
  return {
    ...head,
    leaf: nameOf(leaf ?? null),
    messages: told.toSorted((one, other) => (one.place < other.place ? -1 : 1)),
  }
}

const nasty = [
  '<script>alert(1)</script>',
  '--> <!-- headgate:message {"id":"x"} -->\n<!-- headgate:message {} -->\n\\<!-- headgate:session -->',
  '## Assistant\n\nNot a turn\n\n\n',
  '\n\n  leading and trailing  \n\n',
  'lines as Windows ends them\r\nand\rothers',
  `"quotes" & 'quotes' </main></body>  ${'\u2028'}\u{1f600} ${'\u05d0'}`,
  '',
]

describe('a session', () => {
  it.each(['json', 'markdown', 'html'])('comes back from %s as it went out, with all branches', async (format) => {
    const user = `of-${format}`
    const agent = { model: 'demo', system: 'Say --> "<b>" & more' }
    const { id } = await client.begin(user, {
      title: 'Title <b> --> "x"',
      folder: 'F',
      pinned: true,
      agent,
      metadata: { a: '"&' },
    })
    for (const [index, text] of nasty.entries()) await client.say(user, id, text, index % 2 ? 'assistant' : 'user')
    const parts = [
      { type: 'text', text: 'See <this>' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
      { type: 'image_url', image_url: { url: 'https://tracker.example/x.png"onerror="alert(1)' } },
    ]
    const shown = await client.say(user, id, parts)
    await client.say(user, id, 'Beside', 'user', { edits: shown.id, active: false })
    const calls = [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{"a":"-->"}' } }]
    const call = { message: { role: 'assistant', content: null, tool_calls: calls } }
    await client.told(`/sessions/${id}/messages`, { body: call, user })
    const document = await documentOf(user, id)
    expect(document.messages).toHaveLength(nasty.length + 3)

    const out = await taken(user, id, format)
    expect(out.headers.get('content-disposition')).toMatch(
      new RegExp(`^attachment; filename="${id}\\.(json|md|html)"$`),
    )
    expect(out.headers.get('x-content-type-options')).toBe('nosniff')
    const text = await out.text()
    if (format === 'html') {
      expect(text).not.toContain('<script')
      expect(text).not.toMatch(/(?:src|href)=["']?http/)
      expect(text).toContain('<img alt="" src="data:image/png;base64,iVBORw0KGgo=">')
      expect(text.match(/<article/g)).toHaveLength(nasty.length + 3)
      expect(out.headers.get('content-security-policy')).toContain("default-src 'none'")
    }
    const back = await bringIn(`${user}-back`, format, format === 'json' ? JSON.parse(text) : text)
    expect(back.status, await back.clone().text()).toBe(201)
    const made = (await back.json()) as SessionView
    expect(made).toMatchObject({
      title: 'Title <b> --> "x"',
      folder: 'F',
      pinned: true,
      agent,
      message_count: nasty.length + 3,
    })
    expect(placed(await documentOf(`${user}-back`, made.id))).toEqual(placed(document))
    // It is a session like others: found, gone on with.
    const found = await client.told<Page<object>>('/sessions/search?q=beside', { user: `${user}-back` })
    expect(found.data).toHaveLength(1)
    await client.say(`${user}-back`, made.id, 'Next')
    const all = await client.told<Page<SessionMessageView>>(`/sessions/${made.id}/messages?branches=all`, {
      user: `${user}-back`,
    })
    expect(all.data.at(-1)?.message.content).toBe('Next')
  })

  it('comes in from Markdown that was written elsewhere', async () => {
    const document =
      '# Rivers\r\n\r\nIntroduction\r\n\r\n## User\r\n\r\nName **one**.\r\n\r\n## ChatGPT\r\n\r\nThe Nile.\r\n### Detail\r\nLong.\r\n'
    const made = (await (await bringIn('ada', 'markdown', document)).json()) as SessionView
    expect(made.title).toBe('Rivers')
    expect((await client.branch('ada', made.id)).map(({ message }) => message)).toEqual([
      { role: 'user', content: 'Name **one**.' },
      { role: 'assistant', content: 'The Nile.\n### Detail\nLong.' },
    ])
  })

  it('comes in whatever its roles are', async () => {
    const messages = [{ id: 'a', parent_id: null, message: { role: 'us\0er', content: 'x' } }]
    const { status } = await bringIn('eve', 'json', { format: 'headgate.session/1', active_leaf: 'a', messages })
    expect(status).toBe(201)
  })

  it('comes in whole or not at all', async () => {
    const user = 'ben'
    const said = (id: string, parent: string | null) => ({
      id,
      parent_id: parent,
      message: { role: 'user', content: 'x' },
    })
    const wrong = async (format: string, document: unknown, code = 'invalid_parameter') =>
      expectFetchedError(await bringIn(user, format, document), code as 'invalid_parameter')
    const json = (messages: object[], more: object = {}) => ({ format: 'headgate.session/1', messages, ...more })
    await wrong('json', json([said('a', 'b')]))
    await wrong('json', json([said('a', 'b'), said('b', 'a')]))
    await wrong('json', json([said('a', null), said('a', null)]))
    await wrong('json', json([said('a', null)], { active_leaf: 'b' }))
    await wrong('json', json([said('a', null)], { agent: { parameters: { stream: true } } }))
    await wrong('json', { ...json([]), format: 'other/1' })
    await wrong('json', 'text')
    await wrong('markdown', 'Nothing of a conversation.')
    await wrong('markdown', '<!-- headgate:session {"format":"headgate.session/1","agent":7} -->\n')
    await wrong(
      'markdown',
      '<!-- headgate:session {"format":"headgate.session/1","agent":{"parameters":{"n":2}}} -->\n',
    )
    await wrong('markdown', '<!-- headgate:session {broken -->\n')
    await wrong('html', '<html><body>Hello</body></html>')
    await wrong('html', '<main data-session="{&quot;format&quot;:1}">')
    await wrong(
      'json',
      json(Array.from({ length: 101 }, (_, index) => said(`m${index}`, null))),
      'session_quota_exceeded',
    )
    const many = Array.from({ length: 145_000 }, (_, index) => ({
      ...{ id: index.toString(36), parent_id: null, message: { role: 'u' } },
    }))
    await wrong('json', json(many), 'session_quota_exceeded')
    const nested = `{"id":"a","parent_id":null,"message":{"role":"user","content":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`
    const session = '<!-- headgate:session {"format":"headgate.session/1"} -->'
    await wrong('markdown', `${session}\n<!-- headgate:message ${nested} -->\n`)
    await wrong('html', `<main data-session="{&quot;format&quot;:${'['.repeat(50_000)}${']'.repeat(50_000)}}">`)
    expect((await client.told<Page<SessionView>>('/sessions', { user })).data).toEqual([])
    await expectFetchedError(await taken('somebody', (await client.begin(user)).id, 'html'), 'session_not_found')
  })
})
