/** Bits per second of MPEG audio, layer III, by version: kilobits (ISO/IEC 11172-3, 13818-3). */
const mp3Bitrates = {
  one: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  two: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const

/** Raw speech of OpenAI: 24 kHz, 16 bits, one channel. */
const pcmBytesPerSecond = 48_000

const text = (bytes: Buffer, start: number, length: number): string => bytes.toString('latin1', start, start + length)

/** Of a WAV file: what its header says a second takes; the data is the rest of the file, whatever the header says of its length. */
const wavMs = (head: Buffer, totalBytes: number): number | null => {
  if (head.length < 44) return null
  const bytesPerSecond = head.readUInt32LE(28)
  return bytesPerSecond < 1_000 ? null : ((totalBytes - 44) * 1_000) / bytesPerSecond
}

const mp3Ms = (head: Buffer, totalBytes: number): number | null => {
  // A tag before the audio says its own length in four times seven bits.
  const tag =
    text(head, 0, 3) === 'ID3' && head.length >= 10
      ? 10 + [6, 7, 8, 9].reduce((size, at) => (size << 7) | ((head[at] ?? 0) & 0x7f), 0)
      : 0
  for (let at = tag; at + 4 <= head.length && at < tag + 2_048; at++) {
    const [sync, second, third] = [head[at] as number, head[at + 1] as number, head[at + 2] as number]
    if (sync !== 0xff || (second & 0xe6) !== 0xe2) continue
    const rates = (second & 0x18) === 0x18 ? mp3Bitrates.one : mp3Bitrates.two
    const kilobits = rates[third >> 4]
    if (kilobits !== undefined && kilobits > 0) return ((totalBytes - tag) * 8) / kilobits
  }
  return null
}

/** Of a FLAC file: samples and rate of its first block (format specification, STREAMINFO). */
const flacMs = (head: Buffer): number | null => {
  if (head.length < 26) return null
  const rate = (head.readUInt32BE(18) >>> 12) & 0xf_ffff
  const samples = ((head[21] as number) & 0x0f) * 2 ** 32 + head.readUInt32BE(22)
  return rate === 0 || samples === 0 ? null : (samples * 1_000) / rate
}

/** Of an Ogg file: the position that its last page ends at; Opus counts 48,000 a second, Vorbis as its first page says. */
const oggMs = (head: Buffer, tail: Buffer): number | null => {
  const last = tail.lastIndexOf('OggS')
  if (last < 0 || last + 14 > tail.length) return null
  const vorbis = head.indexOf('\u0001vorbis', 0, 'latin1')
  const rate = vorbis >= 0 && vorbis + 16 <= head.length ? head.readUInt32LE(vorbis + 12) : 48_000
  const samples = tail.readBigUInt64LE(last + 6)
  return rate === 0 || samples >= 2n ** 53n ? null : (Number(samples) * 1_000) / rate
}

/** Of an MP4 file: duration and time scale of the movie header (ISO/IEC 14496-12), which stands at one of its ends. */
const mp4Ms = (...ends: readonly Buffer[]): number | null => {
  for (const bytes of ends) {
    const at = bytes.indexOf('mvhd')
    if (at < 0 || at + 36 > bytes.length) continue
    const isLong = bytes[at + 4] === 1
    const scale = bytes.readUInt32BE(at + (isLong ? 24 : 16))
    const units = isLong ? Number(bytes.readBigUInt64BE(at + 28)) : bytes.readUInt32BE(at + 20)
    if (scale > 0 && units > 0) return (units * 1_000) / scale
  }
  return null
}

/**
 * Milliseconds of audio, read from its first and last bytes and its size; null when the format does not tell. `format` is what was
 * asked for, for bytes that have no header. Of MP3 with a changing bit rate it is what its first frame would make of the whole.
 */
export const audioMs = (head: Buffer, tail: Buffer, totalBytes: number, format: string | null): number | null => {
  const start = text(head, 0, 4)
  if (start === 'RIFF') return wavMs(head, totalBytes)
  if (start === 'fLaC') return flacMs(head)
  if (start === 'OggS') return oggMs(head, tail)
  if (text(head, 4, 4) === 'ftyp') return mp4Ms(head, tail)
  if (format === 'pcm') return (totalBytes * 1_000) / pcmBytesPerSecond
  return start.startsWith('ID3') || head[0] === 0xff ? mp3Ms(head, totalBytes) : null
}
