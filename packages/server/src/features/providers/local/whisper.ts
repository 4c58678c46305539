import { basename, delimiter, dirname, isAbsolute, join } from 'node:path'
import type { InferenceRequest } from '../../../domain/inference.ts'
import { outlineForm } from '../../../kernel/multipart.ts'
import { findData, findProgram, runProgram, withScratch } from '../../../kernel/programs.ts'
import { unsupported } from '../translation/losses.ts'
import { asFault, engineBroke, type EngineKind, VERSION_BYTES, VERSION_MS } from './engine.ts'
import { answerTranscript, type Heard, readHearing } from './transcript.ts'
import { atRate, readWav, soundMs, wavOf } from './wav.ts'

/** What whisper hears (github.com/ggml-org/whisper.cpp, README: "16-bit WAV files", 16 kHz). */
const rate = 16_000
/** Longest recording, in milliseconds: a small model hears slower than somebody speaks where there is one core. */
const mostMs = 3_600_000
/** The program, under its name of today and the one before it, which other programs have too. */
const names = ['whisper-cli', 'whisper-cpp']
/** `GGML_FILE_MAGIC`, 0x67676d6c, as it stands in a file (whisper.cpp, `ggml.h`). */
const magic = Buffer.from('lmgg', 'latin1')
const modelName = /^ggml-[\w.-]{1,80}\.bin$/
/** Where models lie beside a program of `<prefix>/bin`, and in a source tree that was built. */
const beside = [
  'share/whisper.cpp',
  'share/whisper.cpp/models',
  'share/whisper-cpp',
  'share/whisper-cpp/models',
  'models',
]

const foldersOf = (path: string): readonly string[] =>
  path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .flatMap((folder) => [...beside.map((one) => join(dirname(folder), one)), join(folder, '../../models')])

/** A recording as the program takes it, and how long it is; null where only the program can tell. */
const soundOf = ({ body, media }: InferenceRequest): { readonly bytes: Buffer; readonly ms: number | null } => {
  const file = outlineForm(body, media?.contentType ?? '').find(
    ({ name, fileName }) => name === 'file' && fileName !== null,
  )
  const recording = file === undefined ? Buffer.alloc(0) : body.subarray(file.start, file.end)
  const sound = readWav(recording)
  const ms = sound === null ? (media?.audioMs ?? null) : soundMs(sound)
  if ((ms ?? 0) > mostMs)
    throw unsupported([{ place: 'file', why: `This engine hears ${mostMs / 60_000} minutes at most: cut it.` }])
  // FLAC, MP3 and Ogg are told by their bytes, by the program too.
  return { bytes: sound === null ? recording : wavOf(atRate(sound, rate)), ms }
}

interface Written {
  readonly result?: { readonly language?: string }
  readonly transcription?: readonly {
    readonly offsets: { readonly from: number; readonly to: number }
    readonly text: string
  }[]
}

/** What it wrote with `--output-json` (whisper.cpp, `examples/cli/cli.cpp`, `output_json`): segments with their times in milliseconds. */
const readSegments = (text: string): { readonly heard: readonly Heard[]; readonly language: string } => {
  let written: Written
  try {
    written = JSON.parse(text) as Written
  } catch {
    throw engineBroke('whisper.cpp wrote nothing that can be read.')
  }
  const heard = (written.transcription ?? []).flatMap(({ offsets: { from, to }, text: said }) => {
    const words = said.trim()
    return words === '' ? [] : [{ text: words, start: from / 1_000, end: to / 1_000, words: [] }]
  })
  const code = written.result?.language ?? 'en'
  const name = /^[a-z]{2,3}$/.test(code) ? new Intl.DisplayNames(['en'], { type: 'language' }).of(code) : undefined
  return { heard, language: (name ?? code).toLowerCase() }
}

/** Transcripts by whisper.cpp, all on this machine; in many languages where its model has them. */
export const whisper: EngineKind = {
  model: 'whisper',
  operation: 'transcriptions',
  source:
    'whisper-cli of whisper.cpp, built or as a package, and a model (ggml-*.bin) in share/whisper.cpp beside its bin',
  find: async (path) => {
    const files = await Promise.all(names.map((name) => findProgram(name, path)))
    const file = files.find((one) => one !== null) ?? null
    if (file === null) return null
    const model = await findData(foldersOf(path), modelName, magic)
    if (model === null) return null
    const help = await runProgram(file, ['--help'], { timeoutMs: VERSION_MS, maxOutputBytes: VERSION_BYTES })
    // It writes its help to the one or the other, by its age.
    if (help.code !== 0 || !/--output-json/.test(help.output.toString('utf8') + help.complaint)) return null
    const isEnglish = basename(model).includes('.en')
    const isHeard = (language: string): boolean =>
      isEnglish ? /^en(glish)?$/i.test(language) : /^[a-z]{2,3}$/i.test(language)
    return {
      version: basename(model, '.bin').slice('ggml-'.length),
      call: async ({ request, signal }, { timeoutMs, maxBytes }) => {
        const hearing = readHearing(request, isHeard)
        const sound = soundOf(request)
        const language = hearing.language?.slice(0, isEnglish ? 2 : 3).toLowerCase() ?? (isEnglish ? 'en' : 'auto')
        const text = await withScratch(async ({ folder, write, read }) => {
          await write('sound.wav', sound.bytes)
          const words = ['--model', model, '--file', 'sound.wav', '--language', language]
          const output = ['--output-json', '--output-file', 'heard', '--no-prints']
          const bounds = { cwd: folder, timeoutMs, maxOutputBytes: maxBytes, signal }
          const run = await runProgram(file, [...words, ...output], bounds).catch((thrown: unknown) =>
            Promise.reject(asFault(thrown, signal)),
          )
          const written = run.code === 0 ? await read('heard.json', maxBytes) : null
          // What it cannot read it leaves out, and ends well.
          if (written === null) throw engineBroke('whisper.cpp could not hear the file.')
          return written.toString('utf8')
        })
        const found = readSegments(text)
        const ms = sound.ms ?? (found.heard.at(-1)?.end ?? 0) * 1_000
        return answerTranscript(request, hearing, found.heard, ms, found.language)
      },
    }
  },
}
