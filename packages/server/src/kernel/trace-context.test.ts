import { expect, it } from 'vitest'
import { newSpanId, newTraceId, parseTraceparent, parseTracestate } from './trace-context.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'

it('reads a traceparent, also of a later version', () => {
  expect(parseTraceparent(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, spanId: span, sampled: true })
  expect(parseTraceparent(`00-${trace}-${span}-00`)?.sampled).toBe(false)
  expect(parseTraceparent(`00-${trace}-${span}-ff`)?.sampled).toBe(true)
  expect(parseTraceparent(`cc-${trace}-${span}-01-what-comes`)?.traceId).toBe(trace)
})

it.each([
  '',
  `00-${trace}-${span}`,
  `00-${trace}-${span}-1`,
  `00-${trace}-${span}-01-more`,
  `cc-${trace}-${span}-01more`,
  `ff-${trace}-${span}-01`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${'0'.repeat(32)}-${span}-01`,
  `00-${trace}-${'0'.repeat(16)}-01`,
  `00-${trace}-${span}-01, 00-${trace}-${span}-01`,
  `0x-${trace}-${span}-01`,
])('reads nothing of %s', (given) => {
  expect(parseTraceparent(given)).toBeNull()
})

it('passes a tracestate on, and drops one that is not as it should be', () => {
  const long = `vendor@sys=${'x'.repeat(250)},other=${'y'.repeat(250)}`
  expect(parseTracestate('rojo=00f067aa0ba902b7, congo=t61rcWkgMzE,,')).toBe('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')
  expect(parseTracestate(['a=1', 'b=2'])).toBe('a=1,b=2')
  expect(parseTracestate(long)).toBe(long)
  expect(parseTracestate(Array.from({ length: 32 }, (_, index) => `k${index}=v`).join(','))).not.toBe('')
  for (const bad of [
    'a',
    'A=1',
    'a=1,a=2',
    'a=\u0007',
    'a=x=y',
    `a=${'x'.repeat(257)}`,
    Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(','),
  ])
    expect(parseTracestate(bad), bad).toBe('')
  expect(parseTracestate(undefined)).toBe('')
})

it('makes ids that are read again', () => {
  const ids = Array.from({ length: 1_000 }, () => `00-${newTraceId()}-${newSpanId()}-01`)
  expect(ids.every((id) => parseTraceparent(id) !== null)).toBe(true)
  expect(new Set(ids).size).toBe(1_000)
})
