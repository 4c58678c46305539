import { describe, expect, it } from 'vitest'
import { AppError } from '../../kernel/errors.ts'
import { content, createRig, done, event } from './__fixtures__/rig.ts'
import { referenceEvents } from './__fixtures__/reference-parser.ts'

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const usageEvent = (value: unknown = usage, choices: unknown[] = []) => event({ id: 'c', choices, usage: value })
const counted = { inputTokens: 7, cachedInputTokens: 0, outputTokens: 3, reasoningTokens: 0 }

describe('the terminal', () => {
  it('settles before the terminal and forwards the bytes unchanged', () => {
    const rig = createRig()
    rig.push(content('Hel'), content('lo'), done)
    expect(rig.log).toEqual(['mark 1', 'data', 'mark 2', 'data', 'upstream resumed', 'settle complete', 'data', 'end'])
    expect(rig.text()).toBe(content('Hel') + content('lo') + done)
    expect(rig.end()).toMatchObject({ outcome: 'complete', usage: null, outputParts: 2, fault: null })
    expect(rig.end().text()).toBe('Hello')
  })

  it.each(['data:[DONE]\n\n', 'data: [DONE]\r\n\r\n', 'event: message\ndata: [DONE]\n\n', ': x\rdata: [DONE] \r\r'])(
    'knows %j as the end and ignores what follows',
    (terminal) => {
      const rig = createRig()
      rig.push(content('a'), `${terminal}${content('late')}`, content('later'))
      rig.close()
      expect(referenceEvents(rig.bytes()).map(({ data }) => data)).toEqual([content('a').slice(6, -2), '[DONE]'])
      expect(rig.ends).toHaveLength(1)
      expect(rig.log.filter((line) => line === 'end')).toHaveLength(1)
    },
  )

  it('fails when the upstream closes without the marker, and never forwards the incomplete event', () => {
    const rig = createRig()
    const whole = content('a') + content('b')
    rig.push(whole.slice(0, -1))
    rig.close()
    expect(rig.text()).toBe(content('a'))
    expect(rig.log.slice(-2)).toEqual(['settle upstream_cut', 'fail upstream_truncated'])
    expect(rig.end()).toMatchObject({ outputParts: 1, fault: 'upstream_truncated' })
    expect(rig.end().text()).not.toContain('b')
  })

  it('fails on a reset, keeping the cause for the log', () => {
    const rig = createRig()
    rig.push(content('a'))
    rig.break(new Error('ECONNRESET'))
    expect(rig.fault()?.code).toBe('upstream_truncated')
    expect(rig.fault()?.cause).toBeInstanceOf(Error)
    expect(rig.end().outcome).toBe('upstream_cut')
  })

  it('passes a fault on that says more', () => {
    const rig = createRig()
    rig.break(new AppError('upstream_response_too_large'))
    expect(rig.log).toEqual(['settle upstream_cut', 'fail upstream_response_too_large'])
  })

  it('takes the marker as the end when only its blank line is missing', () => {
    const rig = createRig()
    rig.push(content('a'), 'data: [DONE]\n')
    rig.close()
    expect(rig.text()).toBe(content('a') + done)
    expect(rig.end().outcome).toBe('complete')
  })

  it('waits for a settlement that takes time', async () => {
    let release: (receipt: { costUsd: string; estimated: boolean }) => void = () => {}
    const rig = createRig({ settle: () => new Promise((resolve) => (release = resolve)) })
    rig.push(content('a'), done)
    expect(rig.log).not.toContain('end')
    release({ costUsd: '1', estimated: false })
    await new Promise(setImmediate)
    expect(rig.log.slice(-2)).toEqual(['data', 'end'])
  })

  it('tells of no success when the settlement fails', () => {
    const rig = createRig({
      settle: () => {
        throw new Error('disk full')
      },
    })
    rig.push(content('a'), done)
    expect(rig.text()).toBe(content('a'))
    expect(rig.fault()?.code).toBe('internal_error')
  })

  it('lets the upstream close by itself after the marker, and cuts it when it does not', () => {
    const rig = createRig()
    rig.push(done)
    expect(rig.log).not.toContain('upstream aborted')
    rig.clock.advance(3_000)
    expect(rig.log.filter((line) => line === 'upstream aborted')).toHaveLength(1)
    expect(rig.relay.open()).toBe(0)
    expect(rig.clock.timers()).toBe(0)
  })
})

describe('an error inside the stream', () => {
  it.each([
    ['object', event({ error: { message: 'boom at https://10.0.0.1/x with sk-abcdef123456', code: 500 } })],
    ['text', event({ error: 'boom' })],
    ['with choices', event({ choices: [{ delta: { content: 'x' } }], error: { message: 'boom' } })],
    ['by event name', 'event: error\ndata: {"message":"boom"}\n\n'],
  ])('becomes our own (%s) and no [DONE] follows', (_name, fault) => {
    const rig = createRig()
    rig.push(content('a') + fault + content('b') + done)
    rig.close()
    expect(rig.text()).toBe(content('a'))
    expect(rig.fault()?.code).toBe('upstream_error')
    expect(rig.fault()?.message).toContain('boom')
    expect(rig.fault()?.message).not.toMatch(/sk-abc|10\.0/)
    expect(rig.ends).toHaveLength(1)
    expect(rig.end()).toMatchObject({ outcome: 'upstream_cut', fault: 'upstream_error', outputParts: 1 })
    expect(rig.end().text()).toBe('a')
    expect(rig.log).toContain('upstream aborted')
  })

  it('is not seen in a null, in an empty string or in text', () => {
    const rig = createRig()
    const chunks = content('{"error":{"message":"x"}}', { error: null }) + content('b', { error: '' })
    rig.push(chunks + done)
    expect(rig.text()).toBe(chunks + done)
  })
})

describe('usage', () => {
  it.each([
    ['plain', usageEvent()],
    ['white space', 'data: {"choices" : [ ] ,\t"usage" :  {"prompt_tokens": 7, "completion_tokens": 3}}\n\n'],
    ['no choices', event({ usage })],
    ['several data lines', 'data: {"choices":[],\ndata: "usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n'],
    ['CRLF', usageEvent().replaceAll('\n', '\r\n')],
  ])('is read and taken out when the caller did not ask (%s)', (_name, chunk) => {
    const rig = createRig()
    rig.push(content('a'), chunk, done)
    expect(rig.text()).toBe(content('a') + done)
    expect(rig.end().usage).toEqual(counted)
  })

  it('is replaced, never added, when every chunk carries it', () => {
    const rig = createRig()
    const chunks = [1, 2, 3].map((count) => content('x', { usage: { prompt_tokens: 7, completion_tokens: count } }))
    rig.push(...chunks, usageEvent(), usageEvent(), usageEvent(null), done)
    expect(rig.text()).toBe(chunks.join('') + usageEvent(null) + done)
    expect(rig.end().usage).toEqual(counted)
    expect(rig.end().outputParts).toBe(3)
  })

  it('keeps the details, and zero stays zero', () => {
    const rig = createRig()
    rig.push(
      usageEvent({
        prompt_tokens: 9,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 2 },
      }),
      done,
    )
    expect(rig.end().usage).toEqual({ inputTokens: 9, cachedInputTokens: 4, outputTokens: 5, reasoningTokens: 2 })
    const zero = createRig()
    zero.push(usageEvent({ prompt_tokens: 0, completion_tokens: 0 }), done)
    expect(zero.end().usage).toEqual({ inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 })
  })

  it('is not mistaken for text that looks like it', () => {
    const rig = createRig()
    const text = content('{"usage":{"prompt_tokens":999,"completion_tokens":999}} \\"usage\\":{')
    rig.push(text, content('b', { note: { usage: { prompt_tokens: 5 } } }), done)
    expect(rig.end().usage).toBeNull()
    expect(rig.end().text()).toBe('{"usage":{"prompt_tokens":999,"completion_tokens":999}} \\"usage\\":{b')
  })

  it('reaches a caller who asked with cost and route, once, just before the end', () => {
    const rig = createRig({ includeUsage: true })
    rig.push(content('a'), usageEvent({ prompt_tokens: 1, completion_tokens: 1 }), usageEvent(), done)
    const events = referenceEvents(rig.bytes())
    expect(events).toHaveLength(3)
    expect(JSON.parse(events[1]?.data ?? '')).toEqual({
      id: 'c',
      choices: [],
      usage,
      headgate: {
        cost_usd: '0.000015',
        model: 'gpt-x',
        provider: 'openai',
        attempts: 1,
        estimated: false,
        request_id: 'req_1',
      },
    })
    expect(events[2]?.data).toBe('[DONE]')
  })

  it('reaches a caller who asked also when the provider puts it into the last chunk with choices', () => {
    const rig = createRig({ includeUsage: true })
    const last = usageEvent(usage, [{ index: 0, delta: {}, finish_reason: 'stop' }])
    rig.push(content('a'), last, done)
    const events = referenceEvents(rig.bytes())
    expect(`data: ${events[1]?.data}\n\n`).toBe(last)
    expect(JSON.parse(events[2]?.data ?? '')).toMatchObject({ choices: [], usage, headgate: { attempts: 1 } })
  })

  it('is kept when the stream is cut after it', () => {
    const rig = createRig()
    rig.push(content('a'), usageEvent())
    rig.close()
    expect(rig.end()).toMatchObject({ outcome: 'upstream_cut', usage: counted })
  })
})

describe('deadlines', () => {
  it('ends a silent stream; comments are no sign of life', () => {
    const rig = createRig({ idleMs: 1_000 })
    rig.push(content('a'))
    for (let step = 0; step < 6; step += 1) {
      rig.clock.advance(190)
      rig.push(': ping\n\n')
    }
    rig.clock.advance(200)
    expect(rig.log.slice(-3)).toEqual(['upstream aborted', 'settle timeout', 'fail upstream_timeout'])
    expect(rig.fault()?.options.params).toEqual({ phase: 'idle' })
    expect(rig.clock.timers()).toBe(0)
  })

  it('ends a call that takes too long although it talks', () => {
    const rig = createRig({ idleMs: 1_000, totalMs: 5_000 })
    for (let step = 0; step < 12; step += 1) {
      rig.push(content('a'))
      rig.clock.advance(500)
    }
    expect(rig.fault()?.options.params).toEqual({ phase: 'total' })
    expect(rig.ends).toHaveLength(1)
  })

  it('does not blame the provider while the reader stalls', () => {
    const rig = createRig({ idleMs: 1_000, totalMs: 60_000 })
    rig.push(content('a'))
    rig.stream.pause()
    rig.clock.advance(20_000)
    rig.stream.resume()
    rig.clock.advance(900)
    rig.push(done)
    expect(rig.end().outcome).toBe('complete')
  })
})

describe('the caller leaves', () => {
  it('aborts the upstream in the same tick, then settles what flowed', () => {
    const rig = createRig()
    rig.push(content('Hel'), content('lo'))
    rig.clock.advance(40)
    rig.stream.abort()
    rig.push(content('late'), done)
    rig.close()
    expect(rig.log.slice(-2)).toEqual(['upstream aborted', 'settle client_gone'])
    expect(rig.end()).toMatchObject({ outcome: 'client_gone', outputParts: 2, firstByteMs: 0 })
    expect(rig.end().text()).toBe('Hello')
    rig.stream.abort()
    expect(rig.ends).toHaveLength(1)
    expect(rig.relay.open()).toBe(0)
  })

  it('changes nothing after the end', () => {
    const rig = createRig()
    rig.push(content('a'), done)
    rig.stream.abort()
    expect(rig.ends.map(({ outcome }) => outcome)).toEqual(['complete'])
    expect(rig.log).not.toContain('upstream aborted')
  })
})

describe('what is too long', () => {
  it('is refused at 1 MiB without keeping more', () => {
    const rig = createRig()
    rig.push(content('a'))
    const piece = 'x'.repeat(65_536)
    for (let sent = 0; sent < 40 && !rig.fault(); sent += 1) rig.push(sent === 0 ? `data: ${piece}` : piece)
    expect(rig.fault()?.code).toBe('upstream_malformed')
    expect(rig.text()).toBe(content('a'))
    expect(rig.end().outcome).toBe('upstream_cut')
  })

  it('passes a long event below that', () => {
    const rig = createRig()
    const long = content('y'.repeat(900_000))
    for (let at = 0; at < long.length; at += 16_384) rig.push(long.slice(at, at + 16_384))
    rig.push(done)
    expect(rig.text()).toBe(long + done)
    expect(rig.end().text()).toHaveLength(900_000)
  })
})
