import { readFileSync } from 'node:fs'

/** Text of a file, or of standard input for `-`: a key given as an argument could be read by others. Undefined without a path. */
export const readSecret = (path: unknown): string | undefined =>
  typeof path === 'string' ? readFileSync(path === '-' ? 0 : path, 'utf8').trim() : undefined
