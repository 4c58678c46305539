import { endianness } from 'node:os'

/** Sound of one channel: samples of 16 bits. */
export interface Sound {
  readonly rate: number
  readonly samples: Int16Array
}

const pcmFormat = 1
const extensibleFormat = 0xfffe
const headerBytes = 44

/** One sample of `bytes` bytes as 16 bits: WAV keeps one byte unsigned, and more with their sign (RIFF MCI, 1991). */
const sampleAt = (file: Buffer, at: number, bytes: number): number =>
  bytes === 1 ? (file.readUInt8(at) - 128) << 8 : file.readInt16LE(at + bytes - 2)

const mixed = (file: Buffer, start: number, end: number, channels: number, bytes: number): Int16Array => {
  const frame = channels * bytes
  const samples = new Int16Array(Math.floor((end - start) / frame))
  for (let index = 0; index < samples.length; index++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++)
      sum += sampleAt(file, start + index * frame + channel * bytes, bytes)
    samples[index] = sum / channels
  }
  return samples
}

/** Where the samples of a WAV file stand, and what they are. */
interface WavOutline {
  readonly channels: number
  readonly rate: number
  /** Of a sample. */
  readonly bytes: number
  readonly start: number
  readonly end: number
}

const outlineWav = (file: Buffer): WavOutline | null => {
  if (file.length < 12 || file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE')
    return null
  let shape: Pick<WavOutline, 'channels' | 'rate' | 'bytes'> | null = null
  for (let at = 12; at + 8 <= file.length; ) {
    const type = file.toString('latin1', at, at + 4)
    const start = at + 8
    const end = Math.min(start + file.readUInt32LE(at + 4), file.length)
    if (type === 'fmt ' && end - start >= 16) {
      const [format, channels, bits] = [start, start + 2, start + 14].map((place) => file.readUInt16LE(place))
      const subformat = format === extensibleFormat && end - start >= 26 ? file.readUInt16LE(start + 24) : format
      const rate = file.readUInt32LE(start + 4)
      if (subformat !== pcmFormat || ![8, 16, 24, 32].includes(bits as number)) return null
      if (rate < 1_000 || rate > 384_000 || !channels || channels > 8) return null
      shape = { channels, rate, bytes: (bits as number) / 8 }
    }
    if (type === 'data') return shape === null ? null : { ...shape, start, end }
    at = end + ((end - start) % 2)
  }
  return null
}

/** How long a WAV file is, by its samples alone, in milliseconds; null for anything else. */
export const wavMs = (file: Buffer): number | null => {
  const outline = outlineWav(file)
  if (outline === null) return null
  const { channels, rate, bytes, start, end } = outline
  return ((end - start) * 1_000) / (channels * bytes * rate)
}

/**
 * Reads an uncompressed WAV file of 8, 16, 24 or 32 bits, its channels mixed into one; null for anything else. One that was streamed
 * says lengths that its writer did not know: it ends where the file does.
 */
export const readWav = (file: Buffer): Sound | null => {
  const outline = outlineWav(file)
  if (outline === null) return null
  const { channels, rate, bytes, start, end } = outline
  return { rate, samples: mixed(file, start, end, channels, bytes) }
}

/**
 * The same sound at another rate. On the way down each sample is the mean of those it stands for, which keeps most of what the lower
 * rate cannot hold from coming back as noise; on the way up the line between two.
 */
export const atRate = ({ rate, samples }: Sound, wanted: number): Sound => {
  if (rate === wanted || samples.length === 0) return { rate: wanted, samples }
  const step = rate / wanted
  const made = new Int16Array(Math.max(1, Math.floor(samples.length / step)))
  for (let index = 0; index < made.length; index++) {
    const place = index * step
    const first = Math.floor(place)
    if (step > 1) {
      const end = Math.min(Math.max(first + 1, Math.floor(place + step)), samples.length)
      let sum = 0
      for (let at = first; at < end; at++) sum += samples[at] as number
      made[index] = sum / (end - first)
    } else {
      const one = samples[first] as number
      made[index] = one + ((samples[first + 1] ?? one) - one) * (place - first)
    }
  }
  return { rate: wanted, samples: made }
}

/** The bare samples, of 16 bits with the low byte first. */
export const pcmOf = ({ samples }: Sound): Buffer => {
  const bytes = Buffer.from(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
  return endianness() === 'LE' ? bytes : bytes.swap16()
}

/** A WAV file with lengths that are true. */
export const wavOf = (sound: Sound): Buffer => {
  const pcm = pcmOf(sound)
  const header = Buffer.alloc(headerBytes)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(headerBytes - 8 + pcm.length, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(pcmFormat, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(sound.rate, 24)
  header.writeUInt32LE(sound.rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(pcm.length, 40)
  return Buffer.concat([header, pcm])
}

/** How long a sound is. */
export const soundMs = ({ rate, samples }: Sound): number => (samples.length * 1_000) / rate
