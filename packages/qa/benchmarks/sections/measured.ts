import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Runs a measurement of the server’s own parts, which is a program of its own there, and gives the JSON that it prints. */
export const measured = <Result>(name: string, ...words: string[]): Promise<Result> =>
  new Promise((resolve, reject) => {
    const program = fileURLToPath(new URL(`../../../server/test/measure/${name}.ts`, import.meta.url))
    execFile(process.execPath, [program, ...words], (fault, stdout, stderr) => {
      if (fault) reject(new Error(`${name} failed: ${stderr}`, { cause: fault }))
      else resolve(JSON.parse(stdout) as Result)
    })
  })
