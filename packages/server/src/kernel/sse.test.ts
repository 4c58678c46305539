import { describe, expect, it } from 'vitest'
import { encodeEvent, readEvent } from './sse.ts'

describe('reading an event', () => {
  it.each([
    ['data: a\n\n', '', 'a'],
    ['data:a\r\ndata:  b\r\n\r\n', '', 'a\n b'],
    ['event: error\rdata: {"x":1}\r\r', 'error', '{"x":1}'],
    [': only a comment\n\n', '', null],
    ['id: 1\nretry: 5\ndatum: x\n\n', '', null],
    ['data\n\n', '', ''],
    ['data:\n\n', '', ''],
    ['data: é🙂: "q"\n\n', '', 'é🙂: "q"'],
    ['\ndata: after a blank line\n\n', '', 'after a blank line'],
  ])('%j', (bytes, name, data) => {
    expect(readEvent(Buffer.from(bytes))).toEqual({ name, data })
  })

  it('reads back what was written', () => {
    const value = { text: 'line\nbreak\r\u2028 "quoted"' }
    expect(JSON.parse(readEvent(encodeEvent(value)).data ?? '')).toEqual(value)
  })
})
