import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lookForEngines } from '../src/features/providers/local/local.ts'
import { type House, startHouse } from './support/house.ts'
import { recording } from './tours/support/media-tour.ts'

/**
 * Takes the options and writes the file of whisper-cli (github.com/ggml-org/whisper.cpp, examples/cli/README.md, and `output_json` of cli.cpp), and
 * hears what it was given: the rate and the length of the sound.
 */
const program = `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs')
const words = process.argv.slice(2)
if (words[0] === '--help') { console.log('usage: whisper-cli [options] file0 file1 ...\\n  -oj, --output-json [false] output result in a JSON file'); process.exit(0) }
const known = { '--model': 1, '--file': 1, '--language': 1, '--output-file': 1, '--output-json': 0, '--no-prints': 0 }
const given = {}
while (words.length > 0) {
  const word = words.shift()
  if (!(word in known)) { console.error('error: unknown argument: ' + word); process.exit(1) }
  given[word] = known[word] ? words.shift() : true
}
writeFileSync(__dirname + '/seen.json', JSON.stringify(given))
const sound = readFileSync(given['--file'])
if (sound.toString('latin1', 0, 4) !== 'RIFF') { console.error('error: failed to read audio data'); process.exit(0) }
const language = given['--language'] === 'auto' ? 'de' : given['--language']
const half = Math.round((sound.length - 44) / 2 / sound.readUInt32LE(24) * 500)
const time = (ms) => new Date(ms).toISOString().slice(11, 23).replace('.', ',')
const segment = (from, to, text) => ({ timestamps: { from: time(from), to: time(to) }, offsets: { from, to }, text })
const transcription = [segment(0, half, ' Say "yes",'), segment(half, 2 * half, ' or no at ' + sound.readUInt32LE(24) + '.')]
writeFileSync(given['--output-file'] + '.json', JSON.stringify({ systeminfo: '', model: { type: 'base', multilingual: true }, params: { model: given['--model'], language: given['--language'], translate: false }, result: { language }, transcription }, null, '\\t'))
`

let folder: string
let house: House
let key: string
const path = process.env['PATH'] ?? ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-whisper-'))
  await mkdir(join(folder, 'bin'))
  await writeFile(join(folder, 'bin/whisper-cli'), program)
  await chmod(join(folder, 'bin/whisper-cli'), 0o755)
  await mkdir(join(folder, 'share/whisper.cpp'), { recursive: true })
  await writeFile(join(folder, 'share/whisper.cpp/ggml-base.bin'), Buffer.from('lmgg and weights'))
  await writeFile(join(folder, 'share/whisper.cpp/ggml-a-page.bin'), '<html>')
  process.env['PATH'] = `${folder}/bin`
  house = await startHouse({ environment: { HEADGATE_LOCAL_ENGINES: 'true' } })
  ;({ key } = await house.makeKey())
})
afterAll(async () => {
  process.env['PATH'] = path
  await house.stop()
  await rm(folder, { recursive: true })
})

const hear = (fields: Record<string, string>, file = recording(2)): Promise<Response> => {
  const form = new FormData()
  for (const [name, value] of Object.entries({ model: 'local/whisper', ...fields })) form.set(name, value)
  form.set('file', new Blob([new Uint8Array(file)]), 'sound.wav')
  const headers = { authorization: `Bearer ${key}` }
  return fetch(`${house.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: form })
}
/** Eight thousand samples a second, of eight bits. */
const wav = (): Buffer<ArrayBuffer> => {
  const made = recording(2)
  made.writeUInt32LE(made.length - 8, 4)
  made.writeUInt32LE(16, 16)
  made.writeUInt16LE(1, 20)
  made.writeUInt16LE(1, 22)
  made.writeUInt32LE(8_000, 24)
  made.writeUInt16LE(1, 32)
  made.writeUInt16LE(8, 34)
  made.writeUInt32LE(made.length - 44, 40)
  return made
}

it('is found with its program and a model, and not without either', async () => {
  const look = async (where: string) => (await lookForEngines(where)).find(({ model }) => model === 'whisper')
  expect(await look(`${folder}/bin`)).toMatchObject({ found: true, version: 'base' })
  expect(await look('')).toMatchObject({ found: false, source: expect.stringContaining('package') })
  await mkdir(join(folder, 'other/bin'), { recursive: true })
  await writeFile(join(folder, 'other/bin/whisper-cli'), await readFile(join(folder, 'bin/whisper-cli')), {
    mode: 0o755,
  })
  expect(await look(`${folder}/other/bin`)).toMatchObject({ found: false })
})

it('is given 16 kHz, writes every format, and tells the language that it heard', async () => {
  const told = await hear({ response_format: 'verbose_json' }, wav())
  expect([told.status, told.headers.get('x-headgate-warning')]).toEqual([200, null])
  expect(await told.json()).toMatchObject({
    language: 'german',
    duration: 2,
    text: 'Say "yes", or no at 16000.',
    segments: [
      { start: 0, end: 1, text: 'Say "yes",' },
      { start: 1, end: 2 },
    ],
    usage: { type: 'duration', seconds: 2 },
  })
  expect(JSON.parse(await readFile(join(folder, 'bin/seen.json'), 'utf8'))).toMatchObject({
    '--model': join(folder, 'share/whisper.cpp/ggml-base.bin'),
    '--language': 'auto',
  })
  expect(await (await hear({ response_format: 'srt', language: 'fr' }, wav())).text()).toMatch(
    /^1\n00:00:00,000 --> 00:00:01,000\nSay "yes",\n\n2\n/,
  )
  expect(JSON.parse(await readFile(join(folder, 'bin/seen.json'), 'utf8'))).toMatchObject({ '--language': 'fr' })
})

it('fails where the program hears nothing, and refuses what is no name of a language', async () => {
  expect((await hear({}, Buffer.from('ID3 no sound'))).status).toBe(502)
  const refused = await hear({ language: '--help' }, wav())
  expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([
    400,
    'unsupported_parameter',
  ])
})
