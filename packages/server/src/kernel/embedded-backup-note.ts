import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from './embedded-backup-sealed.ts'

const noteIn = (dataDirectory: string): string => join(dataDirectory, 'backup-copy.json')

/** Leaves in the data folder how the copy of the backups stands, for other processes and `headgate doctor`. */
export const writeCopyNote = (dataDirectory: string, note: object): Promise<void> =>
  writeWhole(noteIn(dataDirectory), `${JSON.stringify(note)}\n`)

/** What was left there last; null where there is nothing that can be read. */
export const readCopyNote = async (dataDirectory: string): Promise<object | null> => {
  try {
    return JSON.parse(await readFile(noteIn(dataDirectory), 'utf8')) as object
  } catch {
    return null
  }
}
