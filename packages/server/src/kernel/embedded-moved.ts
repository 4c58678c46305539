import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedUnavailable } from './embedded-binaries.ts'

const file = 'moved.json'

/** Where a store went. */
export interface Moved {
  /** Of the database, without a password. */
  readonly to: string
  readonly at: string
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly checksum: string }[]
}

/** Marks a data folder: its database was moved and stays as it was, but nobody goes on with it by mistake. */
export const markMoved = (dataDirectory: string, moved: Moved): Promise<void> =>
  writeFile(join(dataDirectory, file), `${JSON.stringify(moved, null, 2)}\n`, { mode: 0o600, flag: 'wx' })

/** @throws {EmbeddedUnavailable} when the folder's database was moved. */
export const refuseMoved = async (dataDirectory: string): Promise<void> => {
  const path = join(dataDirectory, file)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  let moved: Partial<Moved> = {}
  try {
    moved = JSON.parse(text) as Moved
  } catch {
    // The mark stands, whatever it says.
  }
  throw new EmbeddedUnavailable(
    `The database of ${dataDirectory} was moved to ${moved.to ?? 'another server'} at ${moved.at ?? 'some time'}. Set DATABASE_URL to that one. ` +
      `To go back to what was here before, and lose what came since, remove ${path}.`,
  )
}
