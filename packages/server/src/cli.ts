#!/usr/bin/env node
import { runCli } from './cli/program.ts'

// A reader that has seen enough, such as head, closes the pipe: that is no fault.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause
})

process.exitCode = await runCli(process.argv.slice(2))
