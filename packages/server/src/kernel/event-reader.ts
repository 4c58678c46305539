/** Longest event; the relay keeps the same cap. */
const MOST_CHARACTERS = 1_048_576

/** Cuts an event stream into the data of its events. */
export interface EventReader {
  /**
   * The data of the events that end in this chunk; those without data are passed over.
   * @throws what `tooLong` makes when one event exceeds 1 MiB.
   */
  push(chunk: Buffer): string[]
  /** Data of an event whose blank line never came. */
  held(): string
}

/** Reads events by the WHATWG rules (HTML 9.2.6): lines end in LF, CR or CRLF, data lines are joined by LF. */
export const createEventReader = (tooLong: () => Error): EventReader => {
  const decoder = new TextDecoder()
  let rest = ''
  let data: string[] = []
  let length = 0
  let afterReturn = false

  const takeField = (line: string): void => {
    if (line === 'data') data.push('')
    else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    length += line.length
  }

  return {
    push: (chunk) => {
      const decoded = decoder.decode(chunk, { stream: true })
      if (decoded === '') return []
      // A carriage return ended its line when it came; the line feed that may belong to it comes with the next chunk.
      const text = rest + (afterReturn && decoded.startsWith('\n') ? decoded.slice(1) : decoded)
      afterReturn = decoded.endsWith('\r')
      const lines = text.split(/\r\n|\n|\r/)
      rest = lines.pop() as string
      const events: string[] = []
      for (const line of lines) {
        if (line !== '') takeField(line)
        else {
          if (data.length > 0) events.push(data.join('\n'))
          data = []
          length = 0
        }
      }
      if (length + rest.length > MOST_CHARACTERS) throw tooLong()
      return events
    },
    held: () => {
      takeField(rest)
      rest = ''
      return data.join('\n')
    },
  }
}
