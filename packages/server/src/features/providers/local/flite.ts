import { systemClock } from '../../../kernel/clock.ts'
import { findProgram, runProgram, withScratch } from '../../../kernel/programs.ts'
import { asFault, engineBroke, type EngineKind, VERSION_BYTES, VERSION_MS } from './engine.ts'
import { answerSound, readSpeaking } from './speech.ts'
import { readWav } from './wav.ts'

/** The clearest of those that come with it, where it is there. */
const preferred = 'slt'

const voicesOf = (told: string): readonly string[] =>
  (/Voices available:(.*)/.exec(told)?.[1] ?? '')
    .trim()
    .split(/\s+/)
    .filter((name) => /^\w+$/.test(name))

/** English speech by Flite. It reads and writes files alone: a pipe it would play. */
export const flite: EngineKind = {
  model: 'flite',
  operation: 'speech',
  source: 'Debian package flite',
  find: async (path) => {
    const file = await findProgram('flite', path)
    if (file === null) return null
    const bounds = { timeoutMs: VERSION_MS, maxOutputBytes: VERSION_BYTES }
    // Its status is no sign: it tells the version with 1.
    const [version, table] = await Promise.all([
      runProgram(file, ['--version'], bounds),
      runProgram(file, ['-lv'], bounds),
    ])
    const voices = voicesOf(table.output.toString('utf8'))
    const [first] = voices
    if (first === undefined) return null
    const usual = voices.includes(preferred) ? preferred : first
    return {
      version: /version: flite-(\S+)/.exec(version.output.toString('utf8') + version.complaint)?.[1] ?? null,
      call: ({ request, signal }, { timeoutMs, maxBytes }) =>
        withScratch(async ({ folder, write, read }) => {
          const speaking = readSpeaking(request, { voices, usual })
          await write('text', speaking.input)
          const words = ['-voice', speaking.voice, '--setf', `duration_stretch=${(1 / speaking.speed).toFixed(3)}`]
          const { code } = await runProgram(file, [...words, '-f', 'text', '-o', 'sound'], {
            cwd: folder,
            timeoutMs,
            maxOutputBytes: VERSION_BYTES,
            signal,
          }).catch((thrown: unknown) => Promise.reject(asFault(thrown, signal)))
          const made = code === 0 ? await read('sound', maxBytes) : null
          const sound = made === null ? null : readWav(made)
          if (sound === null) throw engineBroke('flite made no sound.')
          return answerSound(request, speaking, sound, systemClock)
        }),
    }
  },
}
