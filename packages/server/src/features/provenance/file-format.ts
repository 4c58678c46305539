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

/** What a file is, by itself: nobody is believed who says so. Null for what carries no manifest. */
export const formatOf = (file: Buffer): string | null =>
  formats.find(([, starts]) =>
    starts.every(([at, bytes]) => file.toString('latin1', at, at + bytes.length) === bytes),
  )?.[0] ?? null
