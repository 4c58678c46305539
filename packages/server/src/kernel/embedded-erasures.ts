import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** The file in a data folder that names erasures which are to be replayed before it is opened. */
export const erasuresToReplay = 'erasures-to-replay.jsonl'

/** What a restore left in the data folder, and how it is ended. */
export const leftErasures = (dataDirectory: string) => {
  const path = join(dataDirectory, erasuresToReplay)
  return {
    read: (): Promise<string | null> =>
      readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') return null
        throw cause
      }),
    end: (): Promise<void> => rm(path, { force: true }),
  }
}
