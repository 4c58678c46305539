import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StreamListener, StreamSource } from '../../../domain/upstream.ts'
import { createSseReader } from '../translation/sse-reader.ts'
import { TranslatedStream } from '../translation/translated-stream.ts'
import { MessageTranslator } from './events.ts'

const folder = new URL('./__fixtures__/', import.meta.url)
const fixture = (name: string): Buffer => readFileSync(new URL(`${name}.sse`, folder))
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.sse') ? [file.slice(0, -4)] : []))

interface Heard {
  readonly text: string
  /** Data of the events, parsed; `[DONE]` as it is. */
  readonly events: unknown[]
  readonly ending: string
}

/** Everything that a stream of these chunks says; `ending` is the code of a fault. */
const hear = (chunks: readonly Buffer[], secrets: readonly string[] = []): Heard => {
  let listener: StreamListener | null = null
  const source: StreamSource = { start: (one) => (listener = one), pause: () => {}, resume: () => {}, abort: () => {} }
  let text = ''
  let ending: Heard['ending'] = 'none'
  new TranslatedStream(source, createSseReader(), new MessageTranslator(1_700_000_000, secrets)).start({
    data: (chunk) => {
      text += chunk.toString()
    },
    end: () => {
      ending = 'end'
    },
    fail: (fault) => {
      ending = (fault as { code?: string }).code ?? fault.message
    },
  })
  const upstream = listener as unknown as StreamListener
  for (const chunk of chunks) upstream.data(chunk)
  upstream.end()
  const events = text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.slice('data: '.length))
    .map((data) => (data === '[DONE]' ? data : (JSON.parse(data) as unknown)))
  return { text, events, ending }
}

const chunksOf = (heard: Heard) => heard.events.filter((event) => event !== '[DONE]') as Record<string, unknown>[]
const deltasOf = (heard: Heard) =>
  chunksOf(heard).flatMap(({ choices }) => (choices as { delta: Record<string, unknown> }[]).map(({ delta }) => delta))
const joined = (heard: Heard, member: string) =>
  deltasOf(heard)
    .map((delta) => (typeof delta[member] === 'string' ? delta[member] : ''))
    .join('')
const finishOf = (heard: Heard) =>
  chunksOf(heard)
    .flatMap(({ choices }) => (choices as { finish_reason: string | null }[]).map(({ finish_reason }) => finish_reason))
    .filter((reason) => reason !== null)
const argumentsOf = (heard: Heard) => {
  const calls: { id?: string; name?: string; arguments: string }[] = []
  for (const { tool_calls } of deltasOf(heard)) {
    for (const { index, id, function: part } of (tool_calls ?? []) as never[] as {
      index: number
      id?: string
      function: { name?: string; arguments: string }
    }[]) {
      const call = (calls[index] ??= { arguments: '' })
      if (id !== undefined) call.id = id
      if (part.name !== undefined) call.name = part.name
      call.arguments += part.arguments
    }
  }
  return calls
}

describe('a Messages stream', () => {
  it('says its text, its finish, its usage and its end', () => {
    const heard = hear([fixture('text')])
    expect(heard.ending).toBe('end')
    expect(joined(heard, 'content')).toBe('Guten Tag – 你好 👋')
    expect(finishOf(heard)).toEqual(['stop'])
    expect(heard.events.at(-1)).toBe('[DONE]')
    expect(heard.events.at(-2)).toMatchObject({
      id: 'msg_text',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'claude-opus-5-5',
      choices: [],
      usage: { prompt_tokens: 17, completion_tokens: 9, total_tokens: 26 },
    })
  })

  it('numbers tool calls from 0, whatever stands before them, and gives those without parameters an object', () => {
    const heard = hear([fixture('tools')])
    expect(joined(heard, 'content')).toBe('I look it up.')
    expect(argumentsOf(heard)).toEqual([
      { id: 'toolu_weather', name: 'weather', arguments: '{"city": "Ulm"}' },
      { id: 'toolu_time', name: 'time', arguments: '{}' },
    ])
    expect(finishOf(heard)).toEqual(['tool_calls'])
  })

  it('reads thinking out, keeps it whole for the next turn, and counts caches into the prompt', () => {
    const heard = hear([fixture('thinking')])
    expect(joined(heard, 'reasoning_content')).toBe('Six times seven.')
    expect(joined(heard, 'content')).toBe('42')
    expect(deltasOf(heard).filter(({ thinking_blocks }) => thinking_blocks !== undefined)).toEqual([
      {
        thinking_blocks: [
          { type: 'redacted_thinking', data: 'aGlkZGVu' },
          { type: 'thinking', thinking: 'Six times seven.', signature: 'c2lnbmVkIGJ5IG5vYm9keQ==' },
        ].reverse(),
      },
    ])
    expect(heard.events.at(-2)).toMatchObject({
      usage: {
        prompt_tokens: 21 + 2048 + 4096,
        completion_tokens: 88,
        prompt_tokens_details: { cached_tokens: 4096, cache_write_tokens: 2048 },
        completion_tokens_details: { reasoning_tokens: 71 },
      },
    })
  })

  it('keeps blocks apart that are open at once, and passes over what it does not know', () => {
    const heard = hear([fixture('interleaved')])
    expect(heard.ending).toBe('end')
    expect(joined(heard, 'content')).toBe('Both at once')
    expect(argumentsOf(heard)).toEqual([
      { id: 'toolu_a', name: 'a', arguments: '{"n":1}' },
      { id: 'toolu_b', name: 'b', arguments: '{"n":2}' },
    ])
  })

  it('hands on what was said before an error, then the error', () => {
    const heard = hear([fixture('error')])
    expect(joined(heard, 'content')).toBe('So far')
    expect(heard.ending).toBe('upstream_overloaded')
    expect(heard.text).not.toContain('[DONE]')
  })

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
    ['something_new', 'stop'],
  ])('ends with %s as %s', (reason, finish) => {
    const text = fixture('text').toString().replace('"end_turn"', `"${reason}"`)
    expect(finishOf(hear([Buffer.from(text)]))).toEqual([finish])
  })

  it('tells why the model refused', () => {
    const text = fixture('text')
      .toString()
      .replace(
        '"stop_details": null, "stop_reason": "end_turn"',
        '"stop_details": {"type":"refusal","category":"bio","explanation":"Not this."}, "stop_reason": "refusal"',
      )
    expect(joined(hear([Buffer.from(text)]), 'refusal')).toBe('Not this.')
  })

  it.each([
    ['no JSON', 'event: x\ndata: {nonsense\n\n'],
    ['no object', 'data: 7\n\n'],
    ['a list', 'data: []\n\n'],
    [
      'a delta of no block',
      'data: {"type":"content_block_delta","index":9,"delta":{"type":"text_delta","text":"x"}}\n\n',
    ],
    ['an event beyond 1 MiB', `data: "${'x'.repeat(1_100_000)}"\n\n`],
    ['a line beyond 1 MiB', `: ${'x'.repeat(1_100_000)}`],
  ])('is malformed with %s, after what came before', (_, bytes) => {
    const text = fixture('text').toString()
    const at = text.indexOf('event: content_block_stop')
    const heard = hear([Buffer.from(text.slice(0, at)), Buffer.from(bytes), Buffer.from(text.slice(at))])
    expect(heard.ending).toBe('upstream_malformed')
    expect(joined(heard, 'content')).toBe('Guten Tag – 你好 👋')
  })

  it('is malformed without its beginning', () => {
    expect(hear([Buffer.from('data: {"type":"message_stop"}\n\n')]).ending).toBe('upstream_malformed')
  })

  it('shows no secret that the provider repeats in an error', () => {
    const event = { type: 'error', error: { type: 'api_error', message: 'bad key sk-canary-0123456789' } }
    let message = ''
    const source: StreamSource = {
      start: (one) => one.data(Buffer.from(`data: ${JSON.stringify(event)}\n\n`)),
      pause: () => {},
      resume: () => {},
      abort: () => {},
    }
    new TranslatedStream(source, createSseReader(), new MessageTranslator(0, ['sk-canary-0123456789'])).start({
      data: () => {},
      end: () => {},
      fail: (fault) => {
        message = fault.message
      },
    })
    expect(message).not.toBe('')
    expect(message).not.toContain('canary')
  })
})

describe('any cut of any fixture', () => {
  const whole = new Map(names.map((name) => [name, hear([fixture(name)])]))

  it.each(names)(
    '%s: every prefix is the exact beginning of the whole, and has its end only with the last event',
    (name) => {
      const bytes = fixture(name)
      const { text } = whole.get(name) as Heard
      // Without its last two line feeds the last event is still complete.
      const complete = bytes.length - 2
      for (let length = 0; length <= bytes.length; length++) {
        const cut = hear([bytes.subarray(0, length)])
        expect(text.startsWith(cut.text), `${length} bytes`).toBe(true)
        const isWhole = length >= complete && name !== 'error'
        expect(cut.text.includes('[DONE]'), `${length} bytes`).toBe(isWhole)
        if (!isWhole && name !== 'error') expect(cut.text.includes('"finish_reason":"'), `${length} bytes`).toBe(false)
      }
    },
  )

  it('bytes in any pieces and line ends of any kind say the same', () => {
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        ends,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.nat(), { maxLength: 40 }),
        (name, end, mark, isBroken, cuts) => {
          // A JSON text may be broken over data lines wherever white space may stand.
          const plain = fixture(name).toString()
          const broken = isBroken ? plain.replaceAll(/^(data: \{"type": "\w+", )/gm, '$1\ndata: ') : plain
          const text = `${mark ? '\uFEFF' : ''}${broken}`.replaceAll('\n', end)
          const bytes = Buffer.from(text)
          const places = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b)
          const pieces = [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length))
          const heard = hear(pieces)
          expect(heard.text).toBe(whole.get(name)?.text)
          expect(heard.ending).toBe(whole.get(name)?.ending)
        },
      ),
      { numRuns: 300, seed: 1 },
    )
  })

  it('no bytes whatever make it say an end that was not there', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.uint8Array({ maxLength: 12 }), (name, at, noise) => {
        const bytes = fixture(name)
        const from = at % (bytes.length - 30)
        const heard = hear([Buffer.concat([bytes.subarray(0, from), noise, bytes.subarray(from + noise.length, -40)])])
        expect(heard.text).not.toContain('[DONE]')
      }),
      { numRuns: 300, seed: 2 },
    )
  })
})
