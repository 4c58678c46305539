import type { Script } from './script.ts'

/** A way to bend the bytes of an event stream. */
export type Malformation = NonNullable<Script['malformed']>[number]

/** What is bent: an event, and whether it is the last. */
interface MalformedEvent {
  readonly text: string
  readonly isTerminal?: boolean
}

const hugeLineBytes = 5_000_000

const lineEnds: Partial<Record<Malformation, readonly string[]>> = {
  cr: ['\r'],
  lf: ['\n'],
  crlf: ['\r\n'],
  mixed: ['\r\n', '\n', '\r'],
}

/**
 * Makes the function that bends each event of one stream, given in order.
 * `one-byte` is not here: it concerns the writes, not the text.
 */
export const createMalformer = (kinds: readonly Malformation[]): ((event: MalformedEvent, part: number) => string) => {
  const ends = kinds.map((kind) => lineEnds[kind]).find((found) => found !== undefined)
  let isFirst = true
  let isPaddingDue = kinds.includes('huge-line')
  let isNulDue = kinds.includes('nul')
  let isNonsenseDue = kinds.includes('not-json')
  let line = 0
  return (event, part) => {
    let bent = event.text
    if (part > 0 && isPaddingDue) {
      isPaddingDue = false
      bent = bent.replace('{', () => `{"padding":"${'x'.repeat(hugeLineBytes)}",`)
    }
    // a JSON text may be broken over data lines wherever white space may stand
    if (kinds.includes('multi-line')) bent = bent.replace(/,("choices"|"index")/, ',\ndata: $1')
    if (part > 0 && isNulDue) {
      isNulDue = false
      bent = `id: a\0b\n${bent}`
    }
    if (part > 0 && isNonsenseDue) {
      isNonsenseDue = false
      bent = `data: this is {not JSON\n\n${bent}`
    }
    if (kinds.includes('no-space')) bent = bent.replace(/^data: /gm, 'data:')
    if (kinds.includes('no-blank') && event.isTerminal) bent = bent.trimEnd()
    if (isFirst && kinds.includes('bom')) bent = `\uFEFF${bent}`
    isFirst = false
    if (ends !== undefined) {
      bent = bent.replace(/\n/g, () => {
        line += 1
        return ends[(line - 1) % ends.length] ?? '\n'
      })
    }
    return bent
  }
}
