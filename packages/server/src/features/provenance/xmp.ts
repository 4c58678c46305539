import { crc32 } from 'node:zlib'
import type { Origin } from './provenance.ports.ts'

/** IPTC's word for what a trained model made (cv.iptc.org/newscodes/digitalsourcetype). */
export const sourceType = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia'

const escaped = (text: string): string =>
  text.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/[^\P{C}\n\t]/gu, '')

/** A packet of XMP (ISO 16684-1) with IPTC's properties of the source, of the model, and of the rights. */
export const xmpOf = ({ model, provider, licence, attribution }: Origin): Buffer => {
  const rights = [attribution, licence === null ? null : `Model licence: ${licence}`].filter((part) => part !== null)
  const told =
    rights.length === 0
      ? ''
      : `<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">${escaped(rights.join('. '))}</rdf:li></rdf:Alt></dc:rights>`
  return Buffer.from(
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">` +
      `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" ` +
      `xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:dc="http://purl.org/dc/elements/1.1/">` +
      `<Iptc4xmpExt:DigitalSourceType>${sourceType}</Iptc4xmpExt:DigitalSourceType>` +
      `<Iptc4xmpExt:AISystemUsed>${escaped(`${provider}/${model}`)}</Iptc4xmpExt:AISystemUsed>${told}` +
      `</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`,
  )
}

/** A chunk of PNG (W3C PNG, 5.3). */
const pngChunk = (type: string, content: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(content.length)
  head.write(type, 4, 'latin1')
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(content, crc32(type)))
  return Buffer.concat([head, content, sum])
}

/** After the header, which is 33 bytes with the signature. */
const intoPng = (file: Buffer, xmp: Buffer): Buffer => {
  const head = Buffer.from('XML:com.adobe.xmp\0\0\0\0\0', 'latin1')
  return Buffer.concat([file.subarray(0, 33), pngChunk('iTXt', Buffer.concat([head, xmp])), file.subarray(33)])
}

/** As the first segment but APP0, which JFIF wants first. */
const intoJpeg = (file: Buffer, xmp: Buffer): Buffer => {
  const at = file.readUInt16BE(2) === 0xff_e0 ? 4 + file.readUInt16BE(4) : 2
  const content = Buffer.concat([Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1'), xmp])
  const head = Buffer.from([0xff, 0xe1, 0, 0])
  head.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([file.subarray(0, at), head, content, file.subarray(at)])
}

const riffChunk = (type: string, content: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.write(type, 'latin1')
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)])
}
const riff = (form: string, ...chunks: readonly Buffer[]): Buffer =>
  riffChunk('RIFF', Buffer.concat([Buffer.from(form, 'latin1'), ...chunks]))

interface Chunk {
  readonly type: string
  readonly content: Buffer
  readonly whole: Buffer
}

/** The chunks of a RIFF file. One that was streamed says lengths that its writer did not know: it ends where the file does. */
const chunksOf = (file: Buffer): Chunk[] => {
  const chunks: Chunk[] = []
  for (let at = 12; at + 8 <= file.length; ) {
    const type = file.toString('latin1', at, at + 4)
    const end = Math.min(at + 8 + file.readUInt32LE(at + 4), file.length)
    const content = file.subarray(at + 8, end)
    chunks.push({ type, content, whole: riffChunk(type, content) })
    at = end + (content.length % 2)
  }
  return chunks
}

/** Width and height of a simple WebP (RFC 9649, 2.5 and 2.6), and whether it has an alpha channel. */
const simpleWebp = ({ type, content }: Chunk): { width: number; height: number; alpha: boolean } => {
  if (type === 'VP8L') {
    const word = content.readUInt32LE(1)
    return { width: (word & 0x3fff) + 1, height: ((word >> 14) & 0x3fff) + 1, alpha: ((word >> 28) & 1) === 1 }
  }
  return { width: content.readUInt16LE(6) & 0x3fff, height: content.readUInt16LE(8) & 0x3fff, alpha: false }
}

const alphaFlag = 0x10
const xmpFlag = 0x04

/** The extended form (RFC 9649, 2.7), which alone holds metadata. */
const intoWebp = (file: Buffer, xmp: Buffer): Buffer => {
  const chunks = chunksOf(file)
  const [first] = chunks
  if (first === undefined) throw new Error('A WebP without a picture')
  const header = Buffer.alloc(10)
  if (first.type === 'VP8X') first.content.copy(header)
  else {
    const { width, height, alpha } = simpleWebp(first)
    header[0] = alpha ? alphaFlag : 0
    header.writeUIntLE(width - 1, 4, 3)
    header.writeUIntLE(height - 1, 7, 3)
  }
  header[0] = (header[0] as number) | xmpFlag
  const rest = first.type === 'VP8X' ? chunks.slice(1) : chunks
  return riff('WEBP', riffChunk('VP8X', header), ...rest.map(({ whole }) => whole), riffChunk('XMP ', xmp))
}

const intoWav = (file: Buffer, xmp: Buffer): Buffer =>
  riff('WAVE', ...chunksOf(file).map(({ whole }) => whole), riffChunk('_PMX', xmp))

const id3HeadBytes = 10
const plainSize = (bytes: number): Buffer => {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(bytes)
  return size
}
/** Four times seven bits (ID3v2.4, 6.2). */
const safeSize = (bytes: number): Buffer => Buffer.from([21, 14, 7, 0].map((shift) => (bytes >> shift) & 0x7f))
const readSafeSize = (file: Buffer, at: number): number =>
  [0, 1, 2, 3].reduce((size, place) => (size << 7) | ((file[at + place] ?? 0) & 0x7f), 0)

/**
 * As the private frame `XMP` (XMP specification, part 3, 1.1.3) at the front of the tag, or in a tag of its own. Tags of version 2, and those that use
 * what few do (unsynchronisation, extended headers), stay as they are: others would have to be rewritten.
 */
const intoMp3 = (file: Buffer, xmp: Buffer): Buffer => {
  const isTagged = file.toString('latin1', 0, 3) === 'ID3'
  const version = isTagged ? file[3] : 4
  if ((version !== 3 && version !== 4) || (isTagged && file[5] !== 0)) return file
  const content = Buffer.concat([Buffer.from('XMP\0', 'latin1'), xmp])
  const size = version === 4 ? safeSize(content.length) : plainSize(content.length)
  const frame = Buffer.concat([Buffer.from('PRIV', 'latin1'), size, Buffer.alloc(2), content])
  const former = isTagged ? readSafeSize(file, 6) : 0
  const head = Buffer.concat([
    Buffer.from(['I', 'D', '3'].map((sign) => sign.charCodeAt(0))),
    Buffer.from([version, 0, 0]),
  ])
  return Buffer.concat([head, safeSize(former + frame.length), frame, file.subarray(isTagged ? id3HeadBytes : 0)])
}

const into: Readonly<Record<string, (file: Buffer, xmp: Buffer) => Buffer>> = {
  'image/png': intoPng,
  'image/jpeg': intoJpeg,
  'image/webp': intoWebp,
  'audio/wav': intoWav,
  'audio/mpeg': intoMp3,
}

/** Marks in which each format keeps its XMP. */
const marks = ['XML:com.adobe.xmp', 'http://ns.adobe.com/xap/1.0/', 'XMP ', '_PMX', 'PRIV\0\0']

/** The file with the packet; as it was where it has one: a second one would be no metadata. Pixels and sound stay as they are. */
export const withXmp = (format: string, file: Buffer, xmp: Buffer): Buffer =>
  marks.some((mark) => file.includes(mark, 0, 'latin1')) ? file : (into[format]?.(file, xmp) ?? file)
