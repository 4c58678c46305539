const lineFeed = 10
const carriageReturn = 13
const colon = 58

const isIdField = (bytes: Buffer, start: number, end: number): boolean =>
  bytes[start] === 105 && bytes[start + 1] === 100 && (end === start + 2 || bytes[start + 2] === colon)

/**
 * Cuts whole server-sent events apart and leaves out what no reader sees: comments, and ids of the provider's own (WHATWG HTML,
 * 9.2.6). What comes is whole events; memory of the pieces is their own.
 */
export const cutEvents = (bytes: Buffer): Buffer[] => {
  const events: Buffer[] = []
  let lines: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    let end = at
    while (end < bytes.length && bytes[end] !== lineFeed && bytes[end] !== carriageReturn) end += 1
    const next = bytes[end] === carriageReturn && bytes[end + 1] === lineFeed ? end + 2 : end + 1
    if (end === at) {
      if (lines.length > 0) events.push(Buffer.concat([...lines, bytes.subarray(at, next)]))
      lines = []
    } else if (bytes[at] !== colon && !isIdField(bytes, at, end)) lines.push(bytes.subarray(at, next))
    at = next
  }
  return events
}

/** The event with its number, by which a reader tells how far it came. */
export const numberEvent = (event: Buffer, number: number): Buffer =>
  Buffer.concat([Buffer.from(`id: ${number}\n`), event])
