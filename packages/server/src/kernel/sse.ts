const lineFeed = 10
const carriageReturn = 13
const colon = 58
const space = 32

/** The last event of an OpenAI chat stream. */
export const doneEvent = Buffer.from('data: [DONE]\n\n')

/** One event around a value, as JSON on a single `data:` line. */
export const encodeEvent = (value: unknown): Buffer => Buffer.from(`data: ${JSON.stringify(value)}\n\n`)

/** What an event carries. `data` is null when it has no data field: readers then see nothing. */
export interface ServerSentEvent {
  readonly name: string
  readonly data: string | null
}

/** Reads one whole event by the WHATWG rules: lines end in LF, CR or CRLF, data lines are joined by LF. */
export const readEvent = (event: Buffer): ServerSentEvent => {
  let name = ''
  let data: string[] | null = null
  let start = 0
  while (start < event.length) {
    let end = start
    while (end < event.length && event[end] !== lineFeed && event[end] !== carriageReturn) end += 1
    let fieldEnd = start
    while (fieldEnd < end && event[fieldEnd] !== colon) fieldEnd += 1
    const field = event.toString('latin1', start, fieldEnd)
    if (field === 'data' || field === 'event') {
      const valueStart = Math.min(end, fieldEnd + (event[fieldEnd + 1] === space ? 2 : 1))
      const value = event.toString('utf8', valueStart, end)
      if (field === 'event') name = value
      else if (data) data.push(value)
      else data = [value]
    }
    start = event[end] === carriageReturn && event[end + 1] === lineFeed ? end + 2 : end + 1
  }
  return { name, data: data ? data.join('\n') : null }
}
