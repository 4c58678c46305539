import { Command, InvalidArgumentError } from 'commander'
import { outputOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { httpAddress } from './http-address.ts'
import { writeTable } from './output.ts'
import { readSecret } from './secret-input.ts'
import { smoke } from './smoke.ts'

const seconds = (text: string): number => {
  const value = Number(text)
  if (!(value > 0 && value <= 600)) throw new InvalidArgumentError('It is no number of seconds up to 600.')
  return value * 1_000
}

/** `headgate smoke URL`: whether a server that was just deployed does its work; nothing of this machine's configuration is read. */
export const smokeCommand = (): Command =>
  new Command('smoke')
    .description(
      'try a running server: health, models, one call, one stream; the calls are real and cost what they cost',
    )
    .argument('<url>', 'its address', httpAddress)
    .option('--key <key>', 'an API key, seen by whoever lists the processes of this machine')
    .option('--key-file <path>', 'file that holds the key; - for standard input')
    .option('--model <model>', 'the model to call', 'demo')
    .option('--timeout-seconds <seconds>', 'most seconds of each step', seconds, 30_000)
    .option('--json', 'answer with JSON')
    .action(async (url: string, given: Readonly<Record<string, unknown>>) => {
      const key = given['key'] ?? readSecret(given['keyFile'])
      if (typeof key !== 'string') throw new Error('Give a key: --key-file or --key.')
      const model = String(given['model'])
      const steps = await smoke({ url, key, model, timeoutMs: Number(given['timeoutSeconds']) })
      const ok = steps.every((step) => step.ok)
      writeTable(
        outputOf(given),
        { ok, steps },
        ['state', 'step', 'ms', 'message'],
        steps.map((step) => [step.ok ? 'ok' : 'FAULT', step.step, step.ms, step.message]),
      )
      if (!ok) process.exitCode = steps.length === 1 ? exitCode.unavailable : exitCode.failed
    })
