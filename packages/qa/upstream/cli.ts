#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander'
import { presets, vocabulary } from './script.ts'
import { startUpstream } from './upstream.ts'

const readPort = (value: string): number => {
  const port = Number(value)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('a port is a number from 0 to 65535')
  return port
}

const scriptHelp = (): string =>
  [
    '',
    'A request is scripted by its model name, as in gpt-4o-mini;delay=50;parts=20, or by the header x-upstream-script.',
    'Words:',
    ...Object.entries(vocabulary).map(([name, { meaning }]) => `  ${name.padEnd(22)}${meaning}`),
    'Presets:',
    ...Object.entries(presets).map(([name, meaning]) => `  ${name.padEnd(22)}${meaning}`),
  ].join('\n')

const program = new Command('headgate-upstream')
  .description('A scripted, OpenAI-compatible upstream that logs what really happened at /__truth.')
  .option('--port <number>', 'port to listen on, 0 for a free one', readPort, 0)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--truth-file <path>', 'append every settled truth row to this file as a JSON line')
  .addHelpText('after', scriptHelp)
  .parse()

const upstream = await startUpstream(program.opts<{ port: number; host: string; truthFile?: string }>())
process.stdout.write(`headgate-upstream listening on ${upstream.url}\n`)

const stop = (): void => {
  void upstream.close()
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
