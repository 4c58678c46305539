import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { referenceEvents } from './__fixtures__/reference-parser.ts'
import { createRig, done } from './__fixtures__/rig.ts'
import { createFrames } from './frames.ts'
import { createGlance, hasChoices, hasError, hasPart, hasUsage } from './glance.ts'
import { createTranscript } from './transcript.ts'

const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
const words = fc.constantFrom('', 'a', 'é', '汉字', '🙂', ' x: y', '\u0000', '\\"usage\\":', '\ufeff', '"', ':')
const text = fc.array(words, { maxLength: 4 }).map((parts) => parts.join(''))
const line = fc.oneof(
  { weight: 6, arbitrary: text.map((value) => `data: ${value}`) },
  text.map((value) => `data:${value}`),
  text.map((value) => `: ${value}`),
  text.map((value) => `event: x${value}`),
  text.map((value) => `${value}unknown`),
  fc.constantFrom('data', ':', 'id: 7', 'retry: 10'),
)
const lines = fc.array(fc.tuple(fc.option(line, { nil: '', freq: 3 }), lineEnd), { maxLength: 24 })
const streamText = fc
  .tuple(fc.boolean(), lines, fc.constantFrom('', 'data: unfinished', ': x', '\r'))
  .map(([mark, parts, rest]) =>
    Buffer.from((mark ? '\ufeff' : '') + parts.map((pair) => pair.join('')).join('') + rest),
  )

/** Cuts bytes at the given places, wherever they fall: inside characters and line ends too. */
const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...sorted, bytes.length].map((place, index) => bytes.subarray(sorted[index - 1] ?? 0, place))
}
const cuts = fc.array(fc.nat(2_000), { maxLength: 30 })

const throughFrames = (pieces: readonly Buffer[]): { seen: Buffer; held: Buffer } => {
  const out: Buffer[] = []
  const frames = createFrames({ event: () => 'forward', forward: (events) => out.push(Buffer.from(events)) })
  for (const piece of pieces) frames.push(piece)
  return { seen: Buffer.concat(out), held: frames.held() }
}

describe('framing', () => {
  it('shows a reader what the reference parser shows, however the bytes are cut', () => {
    fc.assert(
      fc.property(streamText, cuts, (bytes, places) => {
        const { seen } = throughFrames(cutAt(bytes, places))
        expect(referenceEvents(seen)).toEqual(referenceEvents(bytes))
        // Whole events only: a blank line more would dispatch nothing more.
        expect(referenceEvents(Buffer.concat([seen, Buffer.from('\n\n')]))).toEqual(referenceEvents(bytes))
      }),
      { numRuns: 10_000, seed: 20 },
    )
  })

  it('loses and invents no byte, and holds back no event that is whole', () => {
    fc.assert(
      fc.property(streamText, (bytes) => {
        const single = throughFrames([...bytes].map((byte) => Buffer.from([byte])))
        const plain = bytes.subarray(0, 3).equals(Buffer.from('\ufeff')) ? bytes.subarray(3) : bytes
        const all = Buffer.concat([single.seen, single.held])
        expect(all.equals(plain) || all.equals(bytes)).toBe(true)
        expect(referenceEvents(single.held)).toEqual([])
      }),
      { numRuns: 2_000, seed: 21 },
    )
  })

  it('cuts at every byte alike', () => {
    const bytes = Buffer.from('\ufeffdata: é🙂\r\n\r\n: c\rdata: b\r\rdata: c\ndata: d\r\n\ndata: e\n\r\ndata: rest')
    const expected = referenceEvents(bytes)
    expect(expected).toHaveLength(4)
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(referenceEvents(throughFrames([bytes.subarray(0, at), bytes.subarray(at)]).seen)).toEqual(expected)
    }
  })
})

const delta = fc.record(
  {
    role: fc.constant('assistant'),
    content: fc.oneof(text, fc.constant(null), fc.constant([{ type: 'text', text: 'inner' }])),
    reasoning_content: fc.option(text),
    refusal: fc.option(text),
    tool_calls: fc.array(
      fc.record(
        { index: fc.nat(3), id: text, function: fc.record({ name: text, arguments: text }, { requiredKeys: [] }) },
        { requiredKeys: ['index'] },
      ),
      { maxLength: 2 },
    ),
    annotations: fc.constant([{ content: 'not a part', arguments: 'nor this' }]),
  },
  { requiredKeys: [] },
)
const choice = fc.record(
  {
    index: fc.nat(3),
    delta,
    message: fc.constant({ content: 'not a part' }),
    logprobs: fc.option(fc.constant({ content: [{ token: 'x', delta: { content: 'x' } }] })),
    finish_reason: fc.option(fc.constant('stop')),
  },
  { requiredKeys: ['index'] },
)
const counts = fc.record({ prompt_tokens: fc.nat(99), completion_tokens: fc.nat(99) })
const chunk = fc.record(
  {
    id: text,
    choices: fc.array(choice, { maxLength: 3 }),
    usage: fc.option(counts),
    error: fc.constant(null),
    delta: fc.constant({ content: 'not a part' }),
    nested: fc.constant({ usage: { prompt_tokens: 1 }, choices: [{ delta: { content: 'no' } }], error: 'no' }),
  },
  { requiredKeys: [] },
)
type Chunk = {
  choices?: { delta?: Record<string, unknown> }[]
  usage?: unknown
  error?: unknown
}

/** The same facts by parsing. */
const oracle = (value: Chunk) => {
  let said = ''
  for (const { delta: parts } of value.choices ?? []) {
    for (const [name, member] of Object.entries(parts ?? {})) {
      if (['content', 'reasoning_content', 'refusal'].includes(name)) {
        if (typeof member === 'string') said += member
        else for (const item of (member ?? []) as { text: string }[]) said += item.text
      }
      if (name === 'tool_calls') {
        for (const call of member as { function?: { arguments?: string } }[]) said += call.function?.arguments ?? ''
      }
    }
  }
  return {
    said,
    flags:
      (said === '' ? 0 : hasPart) +
      (value.usage ? hasUsage : 0) +
      (value.error ? hasError : 0) +
      (value.choices?.length ? hasChoices : 0),
  }
}

describe('the glance', () => {
  const glance = createGlance()

  it('equals parsing, with any white space and around any text', () => {
    fc.assert(
      fc.property(chunk, fc.constantFrom(0, 1, '\t'), fc.nat(3), (value, indent, pad) => {
        const json = Buffer.from(`${' '.repeat(pad)}${JSON.stringify(value, null, indent)}\n`)
        const transcript = createTranscript()
        const found = glance(json, 0, json.length, transcript)
        const expected = oracle(value as Chunk)
        expect(found).toBe(expected.flags)
        expect(transcript.text()).toBe(expected.said)
      }),
      { numRuns: 3_000, seed: 22 },
    )
  })

  it('takes nothing from JSON that breaks off, and never reads beyond its end', () => {
    const json = Buffer.from(
      `{"choices":[{"delta":{"content":"${'long \\"text\\" '.repeat(20)}","tool_calls":[{"function":{"arguments":"{}"}}]}}],"usage":{"a":[1]}}`,
    )
    const sink = { append: () => {} }
    expect(glance(json, 0, json.length, sink)).toBe(hasPart | hasUsage | hasChoices)
    for (let end = 0; end < json.length; end += 1) expect(glance(json, 0, end, sink)).toBe(0)
  })

  it('survives deep nesting and odd bytes', () => {
    const deep = Buffer.from(`{"x":${'['.repeat(200_000)}${']'.repeat(200_000)},"choices":[{"delta":{"content":"a"}}]}`)
    const sink = { append: () => {} }
    expect(glance(deep, 0, deep.length, sink)).toBe(hasPart | hasChoices)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        glance(Buffer.from(bytes), 0, bytes.length, sink)
      }),
      { numRuns: 2_000, seed: 23 },
    )
  })
})

describe('a whole stream', () => {
  const event = fc.oneof(
    { weight: 4, arbitrary: chunk.map((value) => JSON.stringify(value)) },
    fc.constantFrom('not json', '{"usage":7}', '{"usage":{}}', '[]', 'null', '{"choices":"x"}'),
  )
  const frame = fc.tuple(event, lineEnd, fc.constantFrom('', ': ping', 'id: 3')).map(([data, end, extra]) => ({
    data,
    bytes: `${extra === '' ? '' : extra + end}data: ${data}${end}${end}`,
  }))

  it('is seen whole but for usage chunks, ends once, and never counts a part too many', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), cuts, fc.boolean(), (frames, places, ends) => {
        const rig = createRig()
        const bytes = Buffer.from(frames.map((one) => one.bytes).join('') + (ends ? done : ''))
        for (const piece of cutAt(bytes, places)) rig.push(piece)
        rig.close()
        const chunks = frames.map(({ data }) => ({ data, value: parse(data) }))
        const kept = chunks.filter(({ value }) => !isUsageOnly(value)).map(({ data }) => data)
        expect(referenceEvents(rig.bytes()).map(({ data }) => data)).toEqual(ends ? [...kept, '[DONE]'] : kept)
        const facts = chunks.map(({ value }) => oracle(value))
        expect(rig.ends).toHaveLength(1)
        expect(rig.end().outcome).toBe(ends ? 'complete' : 'upstream_cut')
        expect(rig.end().outputParts).toBe(facts.filter(({ said }) => said !== '').length)
        expect(rig.end().text()).toBe(facts.map(({ said }) => said).join(''))
        expect(rig.marks).toEqual([...rig.marks].sort((a, b) => a - b))
        expect(rig.log.filter((entry) => entry === 'end' || entry.startsWith('fail'))).toHaveLength(1)
      }),
      { numRuns: 1_500, seed: 24 },
    )
  })
})

const parse = (data: string): Chunk => {
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !('choices' in value && value.choices === 'x')
      ? value
      : {}
  } catch {
    return {}
  }
}

const isUsageOnly = ({ usage, choices }: Chunk): boolean =>
  typeof usage === 'object' && usage !== null && 'prompt_tokens' in usage && !choices?.length
