const samplesPerSecond = 24_000
const bytesPerSample = 2
/** A word is a note; between two is a silence. */
const notesMs = 180
const restMs = 60
const mostWords = 200
const loudness = 6_000
/** Steps of a scale of five notes, in half tones. */
const scale = [0, 2, 4, 7, 9, 12]
const lowestHertz = 220

const samplesOf = (milliseconds: number): number => Math.round((milliseconds * samplesPerSecond) / 1_000)

const wavHeader = (dataBytes: number): Buffer => {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(36 + dataBytes, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  // Uncompressed, one channel.
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(samplesPerSecond, 24)
  header.writeUInt32LE(samplesPerSecond * bytesPerSample, 28)
  header.writeUInt16LE(bytesPerSample, 32)
  header.writeUInt16LE(bytesPerSample * 8, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(dataBytes, 40)
  return header
}

/** A melody of one note for each word, so that the same text sounds the same: a WAV file, or its samples alone. */
export const playWords = (words: readonly string[], isRaw: boolean): Buffer => {
  const played = words.slice(0, mostWords)
  const note = samplesOf(notesMs)
  const stride = note + samplesOf(restMs)
  const samples = Buffer.alloc(Math.max(1, played.length) * stride * bytesPerSample)
  played.forEach((word, index) => {
    const sum = [...word].reduce((total, character) => total + (character.codePointAt(0) ?? 0), 0)
    const hertz = lowestHertz * 2 ** ((scale[sum % scale.length] as number) / 12)
    for (let at = 0; at < note; at++) {
      const swell = Math.sin((Math.PI * at) / note)
      const value = Math.round(Math.sin((2 * Math.PI * hertz * at) / samplesPerSecond) * swell * loudness)
      samples.writeInt16LE(value, (index * stride + at) * bytesPerSample)
    }
  })
  return isRaw ? samples : Buffer.concat([wavHeader(samples.length), samples])
}
