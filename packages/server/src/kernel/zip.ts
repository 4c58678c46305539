import { createHash } from 'node:crypto'
import { crc32, createDeflateRaw } from 'node:zlib'

/** What a member of an archive has come to. */
export interface ZipMember {
  readonly name: string
  readonly bytes: number
  /** Of the content, in lower-case hexadecimal digits. */
  readonly sha256: string
}

/** A member that is being written. */
export interface ZipEntry {
  readonly write: (piece: Buffer) => Promise<void>
  readonly end: () => Promise<ZipMember>
}

// Signatures and fields: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
const LOCAL = 0x04034b50
const DESCRIPTOR = 0x08074b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
/** Sizes follow the content (bit 3); names are UTF-8 (bit 11). */
const FLAGS = 0x0808
/** 4.5: sizes of 64 bits; made on Unix, so that the modes of files hold. */
const NEEDS = 45
const MADE_BY = (3 << 8) | NEEDS
const FILE_MODE = 0o100600
const STORED = 0
const DEFLATED = 8
const EXTRA_64 = 0x0001
const FULL_32 = 0xffffffff
const FULL_16 = 0xffff

interface Written extends ZipMember {
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly offset: number
}

/** Date and time as DOS has them, in UTC. */
const dosTime = (at: Date): { readonly time: number; readonly date: number } => ({
  time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
})

const fields = (...values: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Buffer => {
  const buffer = Buffer.alloc(values.reduce((sum, [bytes]) => sum + bytes, 0))
  let at = 0
  for (const [bytes, value] of values) {
    if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value), at)
    else buffer.writeUIntLE(value, at, bytes)
    at += bytes
  }
  return buffer
}

/** Presses what is written to it; `take` gives what has come of it so far. */
const createPress = (method: number) => {
  let waiting: Buffer[] = []
  const take = (): Buffer => {
    const out = Buffer.concat(waiting)
    waiting = []
    return out
  }
  if (method === STORED) return { write: async (piece: Buffer) => void waiting.push(piece), end: async () => {}, take }
  const deflate = createDeflateRaw()
  deflate.on('data', (piece: Buffer) => waiting.push(piece))
  return {
    write: (piece: Buffer) =>
      new Promise<void>((resolve, reject) => {
        deflate.write(piece, (fault) => (fault ? reject(fault) : resolve()))
      }),
    end: () =>
      new Promise<void>((resolve, reject) => {
        deflate.once('end', resolve).once('error', reject).end()
      }),
    take,
  }
}

/**
 * Writes a ZIP archive as it comes, a member at a time, holding no more of it than a piece and the list of its members. Members and
 * archive may be larger than 4 GiB. Names are the caller’s: with `/` between folders, and none twice.
 */
export const createZip = (write: (bytes: Buffer) => Promise<void>, made: Date) => {
  const { time, date } = dosTime(made)
  const written: Written[] = []
  let position = 0
  const put = async (bytes: Buffer): Promise<void> => {
    if (bytes.length === 0) return
    position += bytes.length
    await write(bytes)
  }

  const centralOf = ({ name, method, crc, bytes, packed, offset }: Written): Buffer => {
    const path = Buffer.from(name)
    const large = [bytes, packed, offset].filter((value) => value >= FULL_32)
    const extra =
      large.length === 0
        ? Buffer.alloc(0)
        : fields([2, EXTRA_64], [2, 8 * large.length], ...large.map((value) => [8, value] as const))
    const head = fields(
      ...([
        [4, CENTRAL],
        [2, MADE_BY],
        [2, NEEDS],
        [2, FLAGS],
        [2, method],
        [2, time],
        [2, date],
        [4, crc],
      ] as const),
      ...[packed, bytes].map((value) => [4, Math.min(value, FULL_32)] as const),
      ...([
        [2, path.length],
        [2, extra.length],
        [2, 0],
        [2, 0],
        [2, 0],
      ] as const),
      ...([
        [4, FILE_MODE * 65_536],
        [4, Math.min(offset, FULL_32)],
      ] as const),
    )
    return Buffer.concat([head, path, extra])
  }

  return {
    /** Begins a member; the one before has to have ended. `isPacked`: its content cannot be pressed any more. */
    entry: async (name: string, { isPacked = false } = {}): Promise<ZipEntry> => {
      const [offset, path, hash] = [position, Buffer.from(name), createHash('sha256')]
      const method = isPacked ? STORED : DEFLATED
      const press = createPress(method)
      const extra = fields([2, EXTRA_64], [2, 16], [8, 0], [8, 0])
      const head = fields(
        ...([
          [4, LOCAL],
          [2, NEEDS],
          [2, FLAGS],
          [2, method],
          [2, time],
          [2, date],
          [4, 0],
        ] as const),
        ...([
          [4, FULL_32],
          [4, FULL_32],
          [2, path.length],
          [2, extra.length],
        ] as const),
      )
      await put(Buffer.concat([head, path, extra]))
      const begin = position
      let [bytes, crc] = [0, 0]
      return {
        write: async (piece) => {
          bytes += piece.length
          crc = crc32(piece, crc)
          hash.update(piece)
          await press.write(piece)
          await put(press.take())
        },
        end: async () => {
          await press.end()
          await put(press.take())
          const packed = position - begin
          await put(fields([4, DESCRIPTOR], [4, crc], [8, packed], [8, bytes]))
          const member = { name, bytes, sha256: hash.digest('hex') }
          written.push({ ...member, method, crc, packed, offset })
          return member
        },
      }
    },
    /** Writes the list of members, with which the archive is whole. */
    end: async (): Promise<void> => {
      const begin = position
      for (const member of written) await put(centralOf(member))
      const [size, at, count] = [position - begin, position, written.length]
      if (count >= FULL_16 || size >= FULL_32 || begin >= FULL_32) {
        await put(
          fields(
            ...([
              [4, END_64],
              [8, 44],
              [2, MADE_BY],
              [2, NEEDS],
              [4, 0],
              [4, 0],
              [8, count],
              [8, count],
            ] as const),
            ...([
              [8, size],
              [8, begin],
            ] as const),
          ),
        )
        await put(fields([4, LOCATOR_64], [4, 0], [8, at], [4, 1]))
      }
      const [shortCount, shortSize, shortBegin] = [
        Math.min(count, FULL_16),
        Math.min(size, FULL_32),
        Math.min(begin, FULL_32),
      ]
      await put(
        fields([4, END], [2, 0], [2, 0], [2, shortCount], [2, shortCount], [4, shortSize], [4, shortBegin], [2, 0]),
      )
    },
  }
}
