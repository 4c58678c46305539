import type { InferenceRequest } from '../../../domain/inference.ts'
import { outlineForm } from '../../../kernel/multipart.ts'
import { findProgram, runProgram, withScratch } from '../../../kernel/programs.ts'
import { unsupported } from '../translation/losses.ts'
import { asFault, engineBroke, type EngineKind, VERSION_BYTES } from './engine.ts'
import { answerTranscript, readHearing, type Heard } from './transcript.ts'
import { atRate, readWav, type Sound, soundMs, wavMs, wavOf } from './wav.ts'

/** What its model of English was trained on. */
const rate = 16_000

/** Longest recording, in milliseconds: it hears about as fast as somebody speaks. */
const mostMs = 600_000

/** It reads forty megabytes of its model first. */
const FIRST_MS = 20_000

const soundOf = ({ body, media }: InferenceRequest): Sound => {
  const file = outlineForm(body, media?.contentType ?? '').find(
    ({ name, fileName }) => name === 'file' && fileName !== null,
  )
  const recording = file === undefined ? Buffer.alloc(0) : body.subarray(file.start, file.end)
  // What the header says of its length is not asked: at another rate it may be a thousand times as long.
  if ((wavMs(recording) ?? 0) > mostMs)
    throw unsupported([{ place: 'file', why: `This engine hears ${mostMs / 60_000} minutes at most: cut it.` }])
  const sound = readWav(recording)
  if (sound === null)
    throw unsupported([{ place: 'file', why: 'This engine hears uncompressed WAV files (8, 16, 24 or 32 bits).' }])
  return sound
}

/** A word with its times; the second way to say one is marked `the(2)`, and silence `<sil>` or `[NOISE]`. */
const wordLine = /^(\S+?)(?:\(\d+\))? (\d+\.\d+) (\d+\.\d+) \d+\.\d+$/

/** What it wrote: each utterance as a line, then a line of each word with its begin and end in seconds. */
export const readUtterances = (output: string): readonly Heard[] => {
  const utterances: { text: string; start: number; end: number; words: Heard['words'][number][] }[] = []
  for (const line of output.split('\n')) {
    const [, word, begin, end] = wordLine.exec(line) ?? []
    const last = utterances.at(-1)
    if (word === undefined) {
      if (line.trim() !== '') utterances.push({ text: line.trim(), start: Number.NaN, end: 0, words: [] })
    } else if (last !== undefined && !/^[<[]/.test(word)) {
      const [from, until] = [Number(begin), Number(end)]
      if (Number.isNaN(last.start)) last.start = from
      last.end = until
      last.words.push({ word, start: from, end: until })
    }
  }
  return utterances.filter(({ words }) => words.length > 0)
}

/** English transcripts by PocketSphinx, all on this machine. */
export const pocketsphinx: EngineKind = {
  model: 'pocketsphinx',
  operation: 'transcriptions',
  source: 'Debian packages pocketsphinx and pocketsphinx-en-us',
  find: async (path) => {
    const file = await findProgram('pocketsphinx_continuous', path)
    if (file === null) return null
    // It has no word for its version. Without its model of English it could hear nothing: one short silence tells.
    const silence = wavOf({ rate, samples: new Int16Array(rate / 4) })
    const runs = await withScratch(async ({ folder, write }) => {
      await write('sound.wav', silence)
      const words = ['-infile', 'sound.wav', '-logfn', '/dev/null']
      return runProgram(file, words, { cwd: folder, timeoutMs: FIRST_MS, maxOutputBytes: VERSION_BYTES })
    })
    if (runs.code !== 0) return null
    return {
      version: null,
      call: async ({ request, signal }, { timeoutMs, maxBytes }) => {
        const hearing = readHearing(request)
        const sound = soundOf(request)
        const output = await withScratch(async ({ folder, write }) => {
          await write('sound.wav', wavOf(atRate(sound, rate)))
          const words = ['-infile', 'sound.wav', '-time', 'yes', '-logfn', '/dev/null']
          const bounds = { cwd: folder, timeoutMs, maxOutputBytes: maxBytes, signal }
          const run = await runProgram(file, words, bounds).catch((thrown: unknown) =>
            Promise.reject(asFault(thrown, signal)),
          )
          if (run.code !== 0) throw engineBroke('pocketsphinx could not hear the file.')
          return run.output.toString('utf8')
        })
        return answerTranscript(request, hearing, readUtterances(output), soundMs(sound))
      },
    }
  },
}
