import { systemClock } from '../../../kernel/clock.ts'
import { findProgram, runProgram } from '../../../kernel/programs.ts'
import { asFault, engineBroke, type EngineKind, VERSION_BYTES, VERSION_MS } from './engine.ts'
import { answerSound, readSpeaking } from './speech.ts'
import { readWav } from './wav.ts'

/** Words a minute: its own usual speed and bounds (espeak-ng(1), -s). */
const usualSpeed = 175
const leastSpeed = 80
const mostSpeed = 450
const usual = 'en-us'

/** The second column of its table of voices is the language, by which a voice is chosen. */
const voicesOf = (table: string): readonly string[] =>
  table
    .split('\n')
    .slice(1)
    .flatMap((line) => line.trim().split(/\s+/)[1]?.toLowerCase() ?? [])

/** Speech in a hundred languages by eSpeak NG; the voice is a language, such as `de` or `en-us`. */
export const espeak: EngineKind = {
  model: 'espeak-ng',
  operation: 'speech',
  source: 'Debian package espeak-ng',
  find: async (path) => {
    const file = await findProgram('espeak-ng', path)
    if (file === null) return null
    const bounds = { timeoutMs: VERSION_MS, maxOutputBytes: VERSION_BYTES }
    const [version, table] = await Promise.all([
      runProgram(file, ['--version'], bounds),
      runProgram(file, ['--voices'], bounds),
    ])
    const voices = voicesOf(table.output.toString('utf8'))
    if (version.code !== 0 || voices.length === 0) return null
    return {
      version: /text-to-speech: (\S+)/.exec(version.output.toString('utf8'))?.[1] ?? null,
      call: async ({ request, signal }, { timeoutMs, maxBytes }) => {
        const speaking = readSpeaking(request, {
          voices,
          usual: voices.includes(usual) ? usual : (voices[0] as string),
        })
        const speed = Math.min(mostSpeed, Math.max(leastSpeed, Math.round(usualSpeed * speaking.speed)))
        const words = ['--stdin', '--stdout', '-b', '1', '-v', speaking.voice, '-s', String(speed)]
        const { code, output } = await runProgram(file, words, {
          input: speaking.input,
          timeoutMs,
          maxOutputBytes: maxBytes,
          signal,
        }).catch((thrown: unknown) => Promise.reject(asFault(thrown, signal)))
        const sound = readWav(output)
        if (code !== 0 || sound === null) throw engineBroke('espeak-ng made no sound.')
        return answerSound(request, speaking, sound, systemClock)
      },
    }
  },
}
