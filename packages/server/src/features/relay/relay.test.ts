import { describe, expect, it } from 'vitest'
import { AppError } from '../../kernel/errors.ts'
import { content, createRig, done, event } from './__fixtures__/rig.ts'
import { referenceEvents } from './__fixtures__/reference-parser.ts'

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

describe('back-pressure', () => {
  it('reaches the upstream, and ends with the stream', () => {
    const rig = createRig()
    rig.push(content('a'))
    rig.stream.pause()
    rig.stream.resume()
    expect(rig.log.slice(-2)).toEqual(['upstream paused', 'upstream resumed'])
    rig.push(done)
    const { length } = rig.log
    rig.stream.pause()
    expect(rig.log).toHaveLength(length)
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
