import { startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterEach, describe, expect, it } from 'vitest'
import { ask } from '../../../test/faults/support/ask.ts'
import { until } from '../../../test/faults/support/load.ts'
import { callRaw } from '../../../test/faults/support/raw-caller.ts'
import { type House, startHouse } from '../../../test/support/house.ts'
import { readOtlpLines, readOtlpSpans, type ReceivedSpan, startReceiver } from '../../../test/support/receivers.ts'
import { freePort } from '../../../test/support/services.ts'

const theirs = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', span: '00f067aa0ba902b7' }
const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

const open = async (config: Record<string, string>): Promise<House> => {
  const house = await startHouse({ config })
  endings.push(() => house.stop())
  return house
}
const receiver = async () => {
  const one = await startReceiver()
  endings.push(() => one.close())
  return one
}
const metric = async (house: House, name: string): Promise<number> => {
  const text = await (await house.request('/metrics')).text()
  return Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

/** Makes one call of every kind; resolves to how many there were. */
const callAll = async (house: House): Promise<number> => {
  const { key } = await house.makeKey()
  const door = { url: house.url, key }
  await ask(door, 'up/gpt-4o-mini')
  await ask(door, 'up/gpt-4o-mini;parts=5', { stream: true })
  await ask(door, 'up/gpt-4o-mini;status=500')
  await ask(door, 'up/gpt-4o-mini;cut-at-part=3', { stream: true })
  await ask(door, 'no/such-model')
  await ask({ ...door, key: 'nonsense' }, 'demo')
  const leaver = callRaw(door, 'up/gpt-4o-mini;parts=200;part-delay=50', { stream: true })
  await until('a part has come', () => leaver.text().includes('"content"'), 10_000)
  leaver.socket.resetAndDestroy()
  await house.request('/v1/models', { key })
  return 8
}

const rootsOf = (spans: readonly ReceivedSpan[]) => spans.filter(({ kind }) => kind === 2)

describe('traces', () => {
  it('of every call reach OTLP and Zipkin once, whole: streams, failures, refusals and callers who leave', async () => {
    const [otlp, zipkin] = [await receiver(), await receiver()]
    const house = await open({
      sinks_traces_url: `${otlp.url}/v1/traces`,
      sinks_traces_headers: '{"x-key": "canary-of-the-sink"}',
      sinks_zipkin_url: `${zipkin.url}/api/v2/spans`,
    })
    const calls = await callAll(house)
    await until('all have come', () => rootsOf(readOtlpSpans(otlp.deliveries)).length >= calls, 15_000)
    await until(
      'the counter says so',
      async () => (await metric(house, 'headgate_telemetry_sent_total{signal="traces"}')) >= calls,
    )
    await until(
      'Zipkin has them',
      async () => (await metric(house, 'headgate_telemetry_sent_total{signal="zipkin"}')) >= calls,
    )

    const spans = readOtlpSpans(otlp.deliveries)
    const roots = rootsOf(spans)
    expect(roots).toHaveLength(calls)
    expect(new Set(spans.map(({ traceId, spanId }) => traceId + spanId)).size).toBe(spans.length)
    for (const root of roots) {
      expect(root.parentSpanId).toBeNull()
      const below = spans.filter(({ traceId, spanId }) => traceId === root.traceId && spanId !== root.spanId)
      expect(below.length).toBeGreaterThan(0)
      for (const span of below) {
        const parent = spans.find(({ traceId, spanId }) => traceId === root.traceId && spanId === span.parentSpanId)
        if (parent === undefined) throw new Error(`${span.name} has no parent`)
        expect(span.kind === 3 ? parent.name : parent.spanId).toBe(span.kind === 3 ? 'call' : root.spanId)
        expect(span.start).toBeGreaterThanOrEqual(parent.start - 2_000n)
        expect(span.end).toBeLessThanOrEqual(parent.end + 2_000n)
      }
    }
    const codes = roots.map(({ attributes }) => String(attributes['error.type'] ?? '')).sort()
    expect(codes).toEqual([
      '',
      '',
      '',
      'client_closed_request',
      'invalid_api_key',
      'model_not_found',
      'upstream_error',
      'upstream_truncated',
    ])
    expect(roots.filter(({ failed }) => failed)).toHaveLength(5)
    const tried = spans.find(({ name, failed }) => name === 'chat gpt-4o-mini;parts=5' && !failed)
    expect(tried?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'up',
      'gen_ai.request.model': 'gpt-4o-mini;parts=5',
      'gen_ai.usage.output_tokens': 5,
      'http.response.status_code': 200,
    })
    expect(spans.every(({ service }) => service === 'headgate')).toBe(true)
    expect(otlp.deliveries.every(({ headers }) => headers['x-key'] === 'canary-of-the-sink')).toBe(true)
    expect(JSON.stringify([...otlp.deliveries, ...zipkin.deliveries].map(({ body }) => body))).not.toContain('Hello')

    const told = zipkin.deliveries.flatMap(({ body }) => body as Record<string, unknown>[])
    expect(told.map(({ traceId, id }) => String(traceId) + String(id)).sort()).toEqual(
      spans.map(({ traceId, spanId }) => traceId + spanId).sort(),
    )
    for (const span of told) {
      expect(span['localEndpoint']).toEqual({ serviceName: 'headgate' })
      expect(Number.isInteger(span['timestamp']) && Number.isInteger(span['duration'])).toBe(true)
    }
    expect(told.filter(({ kind }) => kind === 'CLIENT')).toHaveLength(spans.filter(({ kind }) => kind === 3).length)
  })

  const callUnder = async (config: Record<string, string>, headers: Record<string, string>) => {
    const otlp = await receiver()
    const house = await open({ sinks_traces_url: `${otlp.url}/v1/traces`, ...config })
    const { key } = await house.makeKey()
    const response = await fetch(`${house.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'up/gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] }),
    })
    await response.text()
    expect(response.status).toBe(200)
    return { otlp, house, upstreamHeaders: house.upstream.requests().at(-1)?.headers ?? {} }
  }
  const rootUnder = async (config: Record<string, string>, headers: Record<string, string>) => {
    const { otlp, upstreamHeaders } = await callUnder(config, headers)
    await until('it has come', () => otlp.deliveries.length > 0)
    const spans = readOtlpSpans(otlp.deliveries)
    return { root: rootsOf(spans)[0] as ReceivedSpan, spans, upstreamHeaders }
  }
  const traceparent = `00-${theirs.trace}-${theirs.span}-01`

  it('begin here: what a caller says of its own is a link, and no provider hears of ours', async () => {
    const { root, upstreamHeaders } = await rootUnder({}, { traceparent, tracestate: 'vendor=1' })
    expect(root.traceId).not.toBe(theirs.trace)
    expect(root).toMatchObject({ parentSpanId: null, traceState: '' })
    expect(root.links).toEqual([{ traceId: theirs.trace, spanId: theirs.span }])
    expect(upstreamHeaders).not.toHaveProperty('traceparent')
    expect(upstreamHeaders).not.toHaveProperty('tracestate')
  })

  it('go on below a trusted front gate, and on to the providers that are named', async () => {
    const config = { traces_trusted_fronts: '127.0.0.0/8', traces_propagate_to: 'up' }
    const state = `vendor=${'x'.repeat(250)},other=${'y'.repeat(250)}`
    const { root, spans, upstreamHeaders } = await rootUnder(config, { traceparent, tracestate: state })
    expect(root).toMatchObject({ traceId: theirs.trace, parentSpanId: theirs.span, traceState: state, links: [] })
    const tried = spans.find(({ kind }) => kind === 3)
    expect(upstreamHeaders).toMatchObject({
      traceparent: `00-${theirs.trace}-${tried?.spanId}-01`,
      tracestate: state,
    })
  })

  it('begin anew where the traceparent is none, whatever the tracestate', async () => {
    const config = { traces_trusted_fronts: '127.0.0.0/8', traces_propagate_to: 'up' }
    const { root, upstreamHeaders } = await rootUnder(config, { traceparent: 'nonsense', tracestate: 'vendor=1' })
    expect(root).toMatchObject({ parentSpanId: null, traceState: '', links: [] })
    expect(upstreamHeaders['traceparent']).toContain(root.traceId)
    expect(upstreamHeaders).not.toHaveProperty('tracestate')
  })

  it('are not exported where sampling leaves them out, by our share or by the front gate', async () => {
    const own = await callUnder({ traces_sample_percent: '0' }, {})
    const front = await callUnder(
      { traces_trusted_fronts: '127.0.0.1' },
      { traceparent: traceparent.replace(/1$/, '0') },
    )
    await own.house.stop()
    await front.house.stop()
    endings.splice(
      0,
      endings.length,
      () => own.otlp.close(),
      () => front.otlp.close(),
    )
    expect([...own.otlp.deliveries, ...front.otlp.deliveries]).toEqual([])
  })
})

it('a dead sink costs no request; what it cannot take is counted when the house ends', async () => {
  const dead = `http://127.0.0.1:${await freePort()}`
  const upstream = await startUpstream()
  endings.push(() => upstream.close())
  const house = await startHouse({
    upstream,
    config: { sinks_traces_url: `${dead}/v1/traces`, sinks_zipkin_url: dead, sinks_logs_url: dead },
  })
  const { key } = await house.makeKey()
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask({ url: house.url, key }, 'up/gpt-4o-mini')))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
  expect(await metric(house, 'headgate_telemetry_sent_total{signal="traces"}')).toBe(0)
  await house.stop()
})

it('the lines of the log reach OTLP as they are written, and a house that stops sends the last', async () => {
  const otlp = await receiver()
  const upstream = await startUpstream()
  endings.push(() => upstream.close())
  const house = await startHouse({
    upstream,
    config: { sinks_logs_url: `${otlp.url}/v1/logs` },
    environment: { HEADGATE_LOG_LEVEL: 'info' },
  })
  const { key, id } = await house.makeKey()
  const answer = await ask({ url: house.url, key }, 'up/gpt-4o-mini')
  await house.stop()
  const lines = readOtlpLines(otlp.deliveries)
  const line = lines.find(({ attributes }) => attributes['request_id'] === answer.requestId)
  expect(line).toMatchObject({
    severityNumber: 9,
    body: 'Request answered',
    attributes: { route: '/v1/chat/completions', status: 200, key_id: id },
  })
  expect(lines.map(({ body }) => body)).toContain('Draining')
  expect(JSON.stringify(otlp.deliveries)).not.toContain('Hello')
})
