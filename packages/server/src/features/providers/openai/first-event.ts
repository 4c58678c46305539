const LF = 0x0a
const CR = 0x0d
/** `data` in bytes. */
const DATA = [0x64, 0x61, 0x74, 0x61]
const COLON = 0x3a
/** A byte order mark may stand before the first line. */
const MARK = [0xef, 0xbb, 0xbf]

/**
 * Finds the end of the first real event of an event stream (WHATWG HTML, 9.2.6): the blank line after at least one `data`
 * line. Comments, and events without data, are passed over. Bytes may come in any pieces.
 */
export class FirstEventScanner {
  #column = 0
  #matched = 0
  #isData = false
  #hasData = false
  #afterCarriageReturn = false
  #position = 0

  /** Index just behind the first event within `chunk`; -1 when it is not complete yet. */
  scan(chunk: Buffer): number {
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] as number
      const position = this.#position++
      if (position < 3 && byte === MARK[position]) continue
      if (byte === LF && this.#afterCarriageReturn) {
        this.#afterCarriageReturn = false
        continue
      }
      this.#afterCarriageReturn = byte === CR
      if (byte === LF || byte === CR) {
        if (this.#column === 0) {
          if (this.#hasData) return index + 1
        } else if (this.#isData || (this.#matched === 4 && this.#column === 4)) this.#hasData = true
        this.#column = 0
        this.#matched = 0
        this.#isData = false
        continue
      }
      if (this.#column < 4) {
        if (this.#matched === this.#column && byte === DATA[this.#column]) this.#matched++
      } else if (this.#column === 4 && this.#matched === 4 && byte === COLON) this.#isData = true
      this.#column++
    }
    return -1
  }
}

/** The data of the first event in `text`, its lines joined; for events that `FirstEventScanner` has found. */
export const firstEventData = (text: string): string => {
  let data: string[] = []
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data.length > 0) break
      data = []
    } else if (line === 'data') data.push('')
    else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
  }
  return data.join('\n')
}
