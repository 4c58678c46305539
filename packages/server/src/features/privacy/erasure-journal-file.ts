import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file that lines are added to, each on the disk itself before `add` resolves. Made with its folder by the first one; only its owner reads it. */
export const createErasureJournalFile = (path: string) => ({
  add: async (line: string): Promise<void> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(path, 'a', 0o600)
    try {
      // What a crash cut before it must not take this line with it.
      await file.appendFile(`\n${line}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
  },
})
