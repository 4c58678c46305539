import { describe, expect, it } from 'vitest'
import { noUsage } from '../../domain/usage.ts'
import { referenceEvents } from './__fixtures__/reference-parser.ts'
import { content, createRig, done, event } from './__fixtures__/rig.ts'

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const usageEvent = (value: unknown = usage, choices: unknown[] = []) => event({ id: 'c', choices, usage: value })
const counted = { ...noUsage, inputTokens: 7, outputTokens: 3 }

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
    expect(rig.end().usage).toEqual({
      ...noUsage,
      inputTokens: 9,
      cachedInputTokens: 4,
      outputTokens: 5,
      reasoningTokens: 2,
    })
    const zero = createRig()
    zero.push(usageEvent({ prompt_tokens: 0, completion_tokens: 0 }), done)
    expect(zero.end().usage).toEqual(noUsage)
  })

  it('that nobody can have used is not taken; the tokens are counted instead', () => {
    const rig = createRig()
    rig.push(content('a'), usageEvent({ prompt_tokens: 7, completion_tokens: 1e300 }), done)
    expect(rig.end()).toMatchObject({ outcome: 'complete', usage: null })
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
