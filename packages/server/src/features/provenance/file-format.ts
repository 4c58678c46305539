/** The formats that carry a manifest here, by their first bytes. */
const formats: readonly (readonly [type: string, starts: readonly (readonly [at: number, bytes: string])[]])[] = [
  ['image/png', [[0, '\u0089PNG\r\n\u001a\n']]],
  ['image/jpeg', [[0, '\u00ff\u00d8\u00ff']]],
  [
    'image/webp',
    [
      [0, 'RIFF'],
      [8, 'WEBP'],
    ],
  ],
  [
    'audio/wav',
    [
      [0, 'RIFF'],
      [8, 'WAVE'],
    ],
  ],
]

/** Whether it begins with a tag of ID3v2, or with a frame of MPEG audio, layer III (ISO/IEC 11172-3, 2.4.2.3). */
const isMp3 = (file: Buffer): boolean =>
  file.length >= 10 &&
  (file.toString('latin1', 0, 3) === 'ID3' || (file[0] === 0xff && ((file[1] as number) & 0xe6) === 0xe2))

/** What a file is, by itself: nobody is believed who says so. Null for what carries no manifest. */
export const formatOf = (file: Buffer): string | null =>
  formats.find(([, starts]) =>
    starts.every(([at, bytes]) => file.toString('latin1', at, at + bytes.length) === bytes),
  )?.[0] ?? (isMp3(file) ? 'audio/mpeg' : null)
