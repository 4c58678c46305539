import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { noUsage } from '../../../domain/usage.ts'
import { AppError } from '../../../kernel/errors.ts'
import { ask, drain, faultOf, openaiAt, providerKey, providersOf, secret, until } from '../__fixtures__/setting.ts'
import type { Providers } from '../providers.ts'
import { timed } from '../../../../test/support/timed.ts'

let upstream: Upstream
let providers: Providers
const opened: { close(): Promise<void> }[] = []
beforeAll(async () => {
  upstream = await startUpstream()
  providers = providersOf(openaiAt(upstream.url))
})
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(async () => {
  await providers.close()
  await upstream.close()
})

/** A server that answers every connection with these bytes. */
const rawServer = async (answer: string | Buffer, end = true) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => (end ? socket.end(answer) : socket.write(answer)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const made = providersOf(openaiAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), {
    maxResponseBytes: 1_000_000,
    random: () => 0,
  })
  opened.push({ close: () => made.close().then(() => void server.close()) })
  return made
}

const http = (headers: string, body: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n`), Buffer.from(body)])

describe('a whole answer', () => {
  it('keeps its bytes, and tells its usage with details', async () => {
    const answer = await ask(providers, 'up/gpt-4o;usage-details=1;reasoning-tokens=7')
    if (answer.kind !== 'json') throw new Error('expected JSON')
    expect(answer.usage).toMatchObject({ reasoningTokens: 7 })
    expect(answer.usage?.cachedInputTokens).toBeGreaterThan(0)
    expect(answer.attempts).toMatchObject([{ status: 200, fault: null }])
  })

  it.each([
    ['missing', null],
    ['null', null],
    ['zero', noUsage],
  ])('with usage %s', async (usage, expected) => {
    const answer = await ask(providers, `up/gpt-4o;usage=${usage}`)
    expect(answer.kind === 'json' && answer.usage).toEqual(expected)
  })

  it('of any dialect tells its usage as a stream does', async () => {
    const { readJsonAnswer } = await import('./json-body.ts')
    const usageOf = (usage: object, filler = '') =>
      readJsonAnswer(Buffer.from(JSON.stringify({ choices: [], filler, usage })), 200, [])
    const apart = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 10 }
    const reasoning = { ...apart, completion_tokens_details: { reasoning_tokens: 3 } }
    const counted = { ...noUsage, inputTokens: 5, outputTokens: 5, reasoningTokens: 3 }
    expect(usageOf(reasoning)).toEqual(counted)
    expect(usageOf(reasoning, 'x'.repeat(1_100_000))).toEqual(counted)
    expect(usageOf({ ...apart, prompt_cache_hit_tokens: 4 })).toMatchObject({ cachedInputTokens: 4, outputTokens: 2 })
    expect(usageOf({ ...apart, completion_tokens: 1e300 })).toBeNull()
  })

  it('larger than a mebibyte is not parsed, but its usage is found', async () => {
    const answer = await ask(providers, 'up/gpt-4o;size=2000000')
    if (answer.kind !== 'json') throw new Error('expected JSON')
    expect(answer.usage?.outputTokens).toBe(JSON.parse(answer.body.toString()).usage.completion_tokens)
  })

  it.each([
    ['content-length=long', 'upstream_truncated'],
    ['content-length=short', 'upstream_truncated'],
    ['cut-at-byte=0', 'upstream_truncated'],
    ['cut-at-byte=1', 'upstream_truncated'],
    ['cut-at-byte=100', 'upstream_truncated'],
    ['cut-at-byte=100;cut=end', 'upstream_truncated'],
    ['cut-at-byte=100;cut=fin', 'upstream_truncated'],
    ['size=2000000;cut-at-byte=1500000', 'upstream_truncated'],
    ['html', 'upstream_malformed'],
    ['rst-before-headers', 'upstream_unreachable'],
    ['gzip-bomb=1000000000', 'upstream_response_too_large'],
    ['size=9000000', 'upstream_response_too_large'],
  ])('with %s fails as %s', async (script, code) => {
    const fault = await faultOf(ask(providers, `up/gpt-4o;${script}`))
    expect(fault.code).toBe(code)
    // Work that was done is not asked for twice.
    expect(providers.attemptsOf(fault).length).toBe(code === 'upstream_unreachable' ? 3 : 1)
  })

  it('cut at any byte is never taken for whole', async () => {
    const whole = JSON.stringify({ choices: [{ message: { content: 'a "b" {c} é' } }], usage: { prompt_tokens: 1 } })
    const { readJsonAnswer } = await import('./json-body.ts')
    const bytes = Buffer.from(whole)
    expect(readJsonAnswer(bytes, 200, [])?.inputTokens).toBe(1)
    for (let cut = 0; cut < bytes.length; cut++)
      expect(() => readJsonAnswer(bytes.subarray(0, cut), 200, []), `cut at ${cut}`).toThrow(
        expect.objectContaining({ code: 'upstream_truncated' }),
      )
  })

  it('compressed though nobody asked is read, up to a hundredfold', async () => {
    const body = JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } })
    const zipped = gzipSync(body)
    const good = await rawServer(
      http(`content-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${zipped.length}`, zipped),
    )
    const answer = await ask(good, 'up/m')
    expect(answer.kind === 'json' && answer.body.toString()).toBe(body)
    const cut = await rawServer(
      http('content-type: application/json\r\ncontent-encoding: gzip\r\nconnection: close', zipped.subarray(0, 20)),
    )
    expect((await faultOf(ask(cut, 'up/m'))).code).toBe('upstream_truncated')
    const dense = gzipSync(JSON.stringify({ choices: [], filler: 'x'.repeat(900_000) }))
    const bomb = await rawServer(
      http(`content-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: ${dense.length}`, dense),
    )
    expect((await faultOf(ask(bomb, 'up/m'))).code).toBe('upstream_response_too_large')
    const odd = await rawServer(http('content-encoding: zstd\r\ncontent-length: 2', '{}'))
    expect((await faultOf(ask(odd, 'up/m'))).code).toBe('upstream_malformed')
  })

  it('that is not HTTP, or announces too much, is refused', async () => {
    expect((await faultOf(ask(await rawServer('SSH-2.0-OpenSSH_9.2\r\n'), 'up/m'))).code).toBe('upstream_malformed')
    const huge = await rawServer(http('content-type: application/json\r\ncontent-length: 999999999999', '{'), false)
    expect((await faultOf(ask(huge, 'up/m'))).code).toBe('upstream_response_too_large')
  })
})

describe('what goes upstream', () => {
  it('is an allow-list of headers, with our request id', async () => {
    const made = providersOf(openaiAt(upstream.url, { headers: { 'OpenAI-Project': secret('p1') } }))
    opened.push(made)
    await ask(made, 'up/gpt-4o', {}, undefined, 'req_allow_list')
    const seen = upstream.requests().find(({ headers }) => headers['x-request-id'] === 'req_allow_list')
    const { host, connection, 'content-length': length, ...rest } = seen?.headers ?? {}
    expect([typeof host, connection, typeof length]).toEqual(['string', 'keep-alive', 'string'])
    expect(rest).toEqual({
      'x-request-id': 'req_allow_list',
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      'user-agent': 'headgate/0.1.0',
      authorization: `Bearer ${providerKey}`,
      'openai-project': 'p1',
    })
  })
})

describe('a provider that refuses stream_options', () => {
  it('is not sent it', async () => {
    const made = providersOf(openaiAt(upstream.url, { streamUsage: false }))
    opened.push(made)
    const answer = await ask(made, 'up/gpt-4o;parts=2', { stream: true }, undefined, 'req_no_options')
    if (answer.kind !== 'events') throw new Error('expected a stream')
    expect(await drain(answer.source)).not.toContain('"usage":{')
    const sent = upstream.requests().find(({ headers }) => headers['x-request-id'] === 'req_no_options')
    expect(sent?.body).not.toContain('stream_options')
  })
})

describe('a stream', () => {
  it('arrives whole, its first bytes first', async () => {
    const answer = await ask(providers, 'up/gpt-4o;parts=50', { stream: true })
    if (answer.kind !== 'events') throw new Error('expected a stream')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const text = await drain(answer.source)
    expect(text.startsWith('data: {')).toBe(true)
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(text).toContain('"usage":{')
  })

  it('waits for an event behind any number of comments, and hands those on too', async () => {
    const text = ': ping\n\n: ping\r\n\r\nevent: x\n\ndata: {"choices":[]}\n\ndata: [DONE]\n\n'
    const answer = await ask(await rawServer(http('content-type: text/event-stream', text)), 'up/m', { stream: true })
    if (answer.kind !== 'events') throw new Error('expected a stream')
    expect(await drain(answer.source)).toBe(text)
    const silent = await rawServer(http('content-type: text/event-stream', ': ping\n\nevent: x\n\n'))
    expect((await faultOf(ask(silent, 'up/m', { stream: true }))).code).toBe('upstream_truncated')
  })

  it.each([
    ['html', 'upstream_malformed'],
    ['gzip-bomb=1000000', 'upstream_malformed'],
    ['cut-at-byte=10', 'upstream_truncated'],
    ['cut-at-byte=10;cut=fin', 'upstream_truncated'],
    ['status=200;body=%7B%7D', 'upstream_malformed'],
  ])('with %s fails before anything is handed on, as %s', async (script, code) => {
    expect((await faultOf(ask(providers, `up/gpt-4o;${script}`, { stream: true }))).code).toBe(code)
  })

  it('that breaks on the way tells its listener', async () => {
    for (const script of ['rst-at-part=3', 'cut-at-part=3;cut=fin']) {
      const answer = await ask(providers, `up/gpt-4o;${script}`, { stream: true })
      if (answer.kind !== 'events') throw new Error('expected a stream')
      await expect(drain(answer.source)).rejects.toMatchObject({ code: 'upstream_truncated' })
    }
  })

  it('whose first event never ends is refused', async () => {
    const flood = await rawServer(http('content-type: text/event-stream', `data: ${'x'.repeat(1_100_000)}`), false)
    expect((await faultOf(ask(flood, 'up/m', { stream: true }))).code).toBe('upstream_malformed')
  })

  it('makes the provider wait while its listener is paused', timed, async () => {
    const answer = await ask(providers, 'up/gpt-4o;parts=200000', { stream: true }, undefined, 'req_pressure')
    if (answer.kind !== 'events') throw new Error('expected a stream')
    const [row] = upstream.truthOf('req_pressure')
    let got = 0
    let ended = false
    answer.source.start({
      data: (chunk) => {
        got += chunk.length
        answer.source.pause()
      },
      end: () => {
        ended = true
      },
      fail: () => {},
    })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const produced = row?.produced_tokens ?? 0
    await new Promise((resolve) => setTimeout(resolve, 200))
    // Sockets take some megabytes on the way; the whole stream is about forty.
    expect(produced).toBeLessThan(100_000)
    expect(row?.produced_tokens).toBe(produced)
    expect(got).toBeLessThan(300_000)
    expect(ended).toBe(false)
    answer.source.abort()
    await until(() => row?.outcome === 'aborted')
  })
})

describe('a caller who leaves', () => {
  it.each([
    ['before the headers', 'stall-before-headers', false],
    ['before the first event', 'stall-after-headers', false],
    ['in the middle of a whole answer', 'drip=50', false],
    ['before the first event of a stream', 'first-part-delay=5000', true],
  ])('%s: the provider sees it within 100 ms', async (_, script, stream) => {
    const controller = new AbortController()
    const id = `req_leave_${script}`
    const pending = faultOf(ask(providers, `up/gpt-4o;${script}`, { stream }, controller.signal, id))
    await until(() => upstream.truthOf(id).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const leftAt = performance.timeOrigin + performance.now()
    controller.abort()
    const fault = await pending
    expect(fault.code).toBe('client_closed_request')
    await until(() => upstream.truthOf(id)[0]?.aborted_at !== null)
    expect((upstream.truthOf(id)[0]?.aborted_at ?? 0) - leftAt).toBeLessThan(100)
    expect(providers.attemptsOf(fault)).toMatchObject([{ fault: 'client_closed_request' }])
  })

  it('between the first event and the listener: the provider is cut off, the listener told', async () => {
    const controller = new AbortController()
    const answer = await ask(
      providers,
      'up/gpt-4o;parts=5;part-delay=1000',
      { stream: true },
      controller.signal,
      'req_gap',
    )
    if (answer.kind !== 'events') throw new Error('expected a stream')
    controller.abort()
    await until(() => upstream.truthOf('req_gap')[0]?.outcome === 'aborted')
    await expect(drain(answer.source)).rejects.toMatchObject({ code: 'client_closed_request' })
  })

  it('is told the reason that the signal carries', async () => {
    const controller = new AbortController()
    const pending = faultOf(ask(providers, 'up/gpt-4o;hang', {}, controller.signal))
    controller.abort(new AppError('upstream_timeout', { params: { phase: 'total' } }))
    expect((await pending).code).toBe('upstream_timeout')
  })
})
