/** A file as pieces of text, as they come from the disk. */
export type TextPieces = AsyncIterable<string>

/** The lines of a text, without their ends; blank ones are left out. */
export async function* linesOf(pieces: TextPieces): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield line
  }
  if (rest.trim() !== '') yield rest
}

const delimiterOf = (text: string): string => {
  const header = text.split('\n', 1)[0] ?? ''
  return [',', '\t', ';'].find((candidate) => header.includes(candidate)) ?? ','
}

/**
 * The records of a CSV text (RFC 4180), blank lines left out; a tab or a semicolon delimits where the first line has no
 * comma. Quoted cells may hold delimiters, line ends and doubled quotes.
 */
export async function* csvRecords(pieces: TextPieces): AsyncGenerator<readonly string[]> {
  let delimiter: string | undefined
  let cells: string[] = []
  let cell = ''
  let quoted = false
  // A quote inside a quoted cell ends it, unless another follows, perhaps in the next piece.
  let quoteSeen = false
  const isBlank = () => cells.length === 0 && cell.trim() === ''
  const endRecord = (): readonly string[] => {
    const record = [...cells, cell.endsWith('\r') ? cell.slice(0, -1) : cell]
    cells = []
    cell = ''
    return record
  }
  for await (const piece of pieces) {
    delimiter ??= delimiterOf(piece)
    for (const character of piece) {
      if (quoted) {
        if (quoteSeen) {
          quoteSeen = false
          if (character === '"') {
            cell += '"'
            continue
          }
          quoted = false
        } else {
          if (character === '"') quoteSeen = true
          else cell += character
          continue
        }
      }
      if (character === '"' && cell === '') quoted = true
      else if (character === delimiter) {
        cells.push(cell)
        cell = ''
      } else if (character === '\n') {
        if (isBlank()) cell = ''
        else yield endRecord()
      } else cell += character
    }
  }
  if (!isBlank()) yield endRecord()
}
