#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// Compiled code is kept beside the sources: the next start is quicker, and leaves the type stripper out of memory.
enableCompileCache(fileURLToPath(new URL('../.cache', import.meta.url)))

// A report of Node, should one be asked for, is no place for keys.
process.report.excludeEnv = true

// A reader that has seen enough, such as head, closes the pipe: that is no fault.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause
})

const { runCli } = await import('./cli/program.ts')
process.exitCode = await runCli(process.argv.slice(2))
