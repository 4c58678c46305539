import { constants, crc32, deflateRawSync } from 'node:zlib'

const block = Buffer.alloc(1_048_576, 'a')
const remembered = new Map<string, Buffer>()

// ends on a byte boundary and refers to nothing before it, so that compressed pieces can be joined and repeated
const piece = (bytes: Buffer): Buffer => deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH })

/**
 * A gzip body (RFC 1952) that inflates to exactly `size` bytes of one JSON answer (or one event): about a thousandth of
 * that on the wire. Made of one compressed block repeated, so that only the checksum costs time.
 */
export const gzipBomb = (size: number, asStream: boolean): Buffer => {
  const key = `${size}/${asStream}`
  const known = remembered.get(key)
  if (known !== undefined) return known
  const open = Buffer.from(
    `${asStream ? 'data: ' : ''}{"choices":[{"index":0,"message":{"role":"assistant","content":"`,
  )
  const close = Buffer.from(`"},"finish_reason":"stop"}]}${asStream ? '\n\n' : ''}`)
  const filling = Math.max(0, size - open.length - close.length)
  const rest = block.subarray(0, filling % block.length)
  const blocks = Math.floor(filling / block.length)
  const compressedBlock = piece(block)
  let checksum = crc32(open)
  for (let index = 0; index < blocks; index += 1) checksum = crc32(block, checksum)
  checksum = crc32(close, crc32(rest, checksum))
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(checksum >>> 0, 0)
  trailer.writeUInt32LE((open.length + filling + close.length) % 2 ** 32, 4)
  const bomb = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]),
    piece(open),
    ...Array.from({ length: blocks }, () => compressedBlock),
    piece(rest),
    piece(close),
    // a last, empty block
    Buffer.from([3, 0]),
    trailer,
  ])
  if (remembered.size >= 4) remembered.clear()
  remembered.set(key, bomb)
  return bomb
}
