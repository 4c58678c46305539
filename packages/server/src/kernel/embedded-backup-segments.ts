/** Bytes of one segment of the WAL: what initdb makes unless told otherwise. */
export const SEGMENT_BYTES = 16 * 1024 * 1024
const SEGMENTS_OF_A_LOG = 0x1_0000_0000n / BigInt(SEGMENT_BYTES)

/** Names of files that PostgreSQL archives: segments, histories of timelines, notes of backups. */
export const archivedName = /^(?:[0-9A-F]{24}(?:\.[0-9A-F]{8}\.backup|\.partial)?|[0-9A-F]{8}\.history)$/
/** Name of a whole segment. */
export const segmentName = /^[0-9A-F]{24}$/

const hex = (value: bigint, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

/** A place in the WAL as a number of bytes, from PostgreSQL's `16/B374D848`. */
export const readLsn = (text: string): bigint => {
  const [high = '', low = ''] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** Number of the segment that holds a place. */
export const segmentOf = (lsn: string): bigint => readLsn(lsn) / BigInt(SEGMENT_BYTES)

/** The file name of a segment: timeline, then its number in two parts (PostgreSQL, `XLogFileName`). */
export const nameSegment = (timeline: number, number: bigint): string =>
  `${hex(BigInt(timeline), 8)}${hex(number / SEGMENTS_OF_A_LOG, 8)}${hex(number % SEGMENTS_OF_A_LOG, 8)}`

/** Timeline and number of a segment, by its name. */
export const readSegmentName = (name: string): { readonly timeline: number; readonly number: bigint } => ({
  timeline: Number.parseInt(name.slice(0, 8), 16),
  number: BigInt(`0x${name.slice(8, 16)}`) * SEGMENTS_OF_A_LOG + BigInt(`0x${name.slice(16, 24)}`),
})

/** Bytes of the long header that each segment begins with. */
export const SEGMENT_HEADER_BYTES = 40

/**
 * What is wrong with the beginning of a segment of this name in the cluster of this identifier; null when nothing is. By
 * `XLogLongPageHeaderData`: magic and info (2 bytes each), timeline (4), address (8), rest (4), padding (4), identifier (8), segment size (4).
 */
export const segmentProblem = (name: string, header: Buffer, bytes: number, system: string): string | null => {
  const { timeline, number } = readSegmentName(name)
  if (bytes !== SEGMENT_BYTES || header.length < SEGMENT_HEADER_BYTES) return `has ${bytes} bytes`
  if (header.readBigUInt64LE(24).toString() !== system) return 'is of another database'
  if (header.readBigUInt64LE(8) !== number * BigInt(SEGMENT_BYTES)) return 'is another segment than its name says'
  return header.readUInt32LE(4) > timeline ? 'is of a later timeline' : null
}
