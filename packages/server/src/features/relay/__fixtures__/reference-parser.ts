/** What a reader of an event stream gets dispatched. */
export interface Dispatched {
  readonly name: string
  readonly data: string
}

/** The event-stream parser of the WHATWG HTML standard (9.2.6), written plainly over the whole text. */
export const referenceEvents = (bytes: Buffer): Dispatched[] => {
  const text = new TextDecoder('utf-8').decode(bytes)
  const lines = text.split(/\r\n|\n|\r/)
  // What follows the last line end is an incomplete line; what follows the last blank line is never dispatched.
  lines.pop()
  const events: Dispatched[] = []
  let data = ''
  let name = ''
  for (const line of lines) {
    if (line === '') {
      if (data !== '') events.push({ name, data: data.endsWith('\n') ? data.slice(0, -1) : data })
      data = ''
      name = ''
      continue
    }
    const colon = line.indexOf(':')
    if (colon === 0) continue
    const field = colon < 0 ? line : line.slice(0, colon)
    let value = colon < 0 ? '' : line.slice(colon + 1)
    if (value.startsWith(' ')) value = value.slice(1)
    if (field === 'data') data += `${value}\n`
    else if (field === 'event') name = value
  }
  return events
}
