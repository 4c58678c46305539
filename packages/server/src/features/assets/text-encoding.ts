import { isUtf8 } from 'node:buffer'

/** What all bytes of a content tell of whether it is a text. */
export interface TextKind {
  /** Valid UTF-8 from the first byte to the last. */
  readonly isUtf8: boolean
  readonly hasNul: boolean
}

/** A text, its encoding by its WHATWG name, and how it begins. */
export interface DetectedText {
  readonly charset: string
  readonly start: string
}

const LEAST_CONFIDENCE = 20
const STARTS = 1_024

/** Bytes at the end of a piece that begin a character which the next piece ends: three at most. */
const openTail = (bytes: Buffer): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number
    if ((byte & 0xc0) === 0x80) continue
    const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return wanted > back ? back : 0
  }
  return 0
}

/** Looks at every byte of a content as it passes. */
export const createTextProbe = () => {
  let open: Buffer = Buffer.alloc(0)
  let [valid, hasNul] = [true, false]
  return {
    push: (piece: Buffer): void => {
      hasNul ||= piece.includes(0)
      if (!valid) return
      const bytes = open.length > 0 ? Buffer.concat([open, piece]) : piece
      const tail = openTail(bytes)
      valid = isUtf8(bytes.subarray(0, bytes.length - tail))
      open = Buffer.from(bytes.subarray(bytes.length - tail))
    },
    end: (): TextKind => ({ isUtf8: valid && open.length === 0, hasNul }),
  }
}

/** Characters that no text has, those of terminals aside. */
const strange = /[\u0000-\u0006\u000e-\u001a\u001c-\u001f\u007f]/

/** UTF-16 without a mark: of plain letters every second byte is zero. */
const utf16Of = (head: Buffer): string | null => {
  const pairs = Math.floor(head.length / 2)
  let [even, odd] = [0, 0]
  for (let index = 0; index < pairs * 2; index += 1)
    if (head[index] === 0) {
      if (index % 2 === 0) even += 1
      else odd += 1
    }
  if (odd > pairs * 0.3 && even < pairs * 0.02) return 'utf-16le'
  return even > pairs * 0.3 && odd < pairs * 0.02 ? 'utf-16be' : null
}

const decoder = (label: string): InstanceType<typeof TextDecoder> | null => {
  try {
    return new TextDecoder(label)
  } catch {
    return null
  }
}

const charsetOf = async (head: Buffer, { isUtf8: isWhole, hasNul }: TextKind): Promise<string | null> => {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  if (hasNul) return utf16Of(head)
  if (strange.test(head.toString('latin1'))) return null
  if (isWhole) return 'utf-8'
  // Loaded for what is a text in none of the encodings above: seldom.
  const { analyse } = await import('chardet')
  const found = analyse(head).find(
    ({ confidence, name }) => confidence >= LEAST_CONFIDENCE && !/^utf-/i.test(name) && decoder(name) !== null,
  )
  return found ? (decoder(found.name)?.encoding ?? null) : null
}

/** Whether a content is a text, in which encoding, and how it begins; null where it is none. An empty one is a text. */
export const detectText = async (head: Buffer, kind: TextKind): Promise<DetectedText | null> => {
  const charset = await charsetOf(head, kind)
  if (charset === null) return null
  const start = new TextDecoder(charset).decode(head.subarray(0, STARTS))
  return strange.test(start) ? null : { charset, start }
}

/** A text in UTF-8, as it comes; what is no character of its encoding becomes U+FFFD, a mark at its beginning goes. */
export async function* inUtf8(pieces: AsyncIterable<Buffer>, charset: string): AsyncGenerator<Buffer> {
  const decode = new TextDecoder(charset)
  for await (const piece of pieces) {
    const text = decode.decode(piece, { stream: true })
    if (text !== '') yield Buffer.from(text)
  }
  const rest = decode.decode()
  if (rest !== '') yield Buffer.from(rest)
}
