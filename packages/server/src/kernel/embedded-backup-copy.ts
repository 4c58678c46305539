import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from './errors.ts'
import { placesIn } from './embedded-backup-repository.ts'
import { isMissing, listFiles, type Shelf, type ShelvedFile } from './embedded-backup-shelf.ts'

/** How a copy stands to what it is a copy of. */
export interface CopyState {
  /** When the oldest file was written that is not there yet, in milliseconds since the epoch; null: everything is. */
  readonly behind_since: number | null
  /** Files that are not there yet, and their bytes. */
  readonly files: number
  readonly bytes: number
}

/** What a pass of copying did. */
export interface Copied {
  readonly files: number
  readonly bytes: number
  /** A base backup arrived whole. */
  readonly hasBase: boolean
}

export interface CopierOptions {
  /** The folder of backups. */
  readonly directory: string
  /** Where the copy is. */
  readonly shelf: Shelf
  readonly now: () => number
  /** Told before the first file, and after each. */
  readonly onState?: (state: CopyState) => void
}

/** What is where is remembered; somebody may have removed something since, so the copy is listed anew after this long. */
const LIST_MS = 6 * 3_600_000

/** Files that are written again under the same name. */
const changing = /^(?:erasures\.age|wal\/head\.json)$/
const segmentFile = /^wal\/[^/]+\/([0-9A-F]{24})-[0-9a-f]{64}\.age$/
const baseOf = /^base\/([^/]+)\//

/** Contents before the segments that name them, these before the note of the newest, and a manifest after all that it lists. */
const rankOf = (path: string): number =>
  [/^objects\//, /^wal\/.*\.age$/, /^erasures\.age$/, /^wal\/head\.json$/, /\/(?:pack\.age|objects\.list)$/].findIndex(
    (one) => one.test(path),
  ) >>> 0

/** Copies a folder of backups to another place, over and over: what is there already stays as it is, what is missing is added, nothing is removed. */
export const createCopier = ({ directory, shelf, now, onState = () => {} }: CopierOptions) => {
  let known: Map<string, ShelvedFile> | null = null
  let listedAt = 0
  /** Files that change, by when they were written. */
  const taken = new Map<string, number>()

  const waiting = async (there: ReadonlyMap<string, ShelvedFile>): Promise<ShelvedFile[]> => {
    const files = await listFiles(directory)
    const manifests = new Map(
      files.flatMap(({ path, at }) => (path.endsWith('/manifest.json') ? [[baseOf.exec(path)?.[1], at] as const] : [])),
    )
    return files
      .flatMap((file) => {
        const base = baseOf.exec(file.path)?.[1]
        if (base === undefined) return [file]
        const at = manifests.get(base)
        // Still being made.
        return at === undefined ? [] : [{ ...file, at }]
      })
      .filter(({ path, bytes, at }) =>
        // A file that was cut since does not replace a whole one.
        changing.test(path) ? taken.get(path) !== at : (there.get(path)?.bytes ?? -1) < bytes,
      )
      .sort((one, other) => rankOf(one.path) - rankOf(other.path) || (one.path < other.path ? -1 : 1))
  }

  return {
    /** Copies what is missing. @throws AppError `backup_failed`; the next pass goes on where this one ended */
    copy: async (): Promise<Copied> => {
      try {
        if (known === null || now() - listedAt > LIST_MS) {
          known = new Map((await shelf.list()).map((file) => [file.path, file]))
          listedAt = now()
        }
        const there = known
        /** Digest in the name of each segment. */
        const segments = new Map(
          [...there.keys()].flatMap((path) => {
            const name = segmentFile.exec(path)?.[1]
            return name === undefined ? [] : [[name, path] as const]
          }),
        )
        // Read before the segments are listed: it names none that is not copied with it.
        const head = await readFile(placesIn(directory).head).catch(() => null)
        const left = await waiting(there)
        let bytes = left.reduce((sum, one) => sum + one.bytes, 0)
        const tell = (from: number): void => {
          const rest = left.slice(from)
          const behind = rest.length === 0 ? null : rest.reduce((least, { at }) => Math.min(least, at), Infinity)
          onState({ behind_since: behind, files: rest.length, bytes })
        }
        const whole = bytes
        tell(0)
        for (const [index, file] of left.entries()) {
          const name = segmentFile.exec(file.path)?.[1]
          const other = name === undefined ? undefined : segments.get(name)
          if (other !== undefined && other !== file.path)
            throw new AppError('backup_failed', {
              detail: `${shelf.name} has another ${name} already: a second server, or a former state of this one, is copied to the same place.`,
            })
          try {
            const isHead = head !== null && file.path === 'wal/head.json'
            await shelf.put(file.path, isHead ? head : join(directory, file.path))
          } catch (cause) {
            // The ladder has just removed it.
            if (!isMissing(cause)) throw cause
          }
          if (changing.test(file.path)) taken.set(file.path, file.at)
          there.set(file.path, file)
          bytes -= file.bytes
          tell(index + 1)
        }
        return { files: left.length, bytes: whole, hasBase: left.some(({ path }) => path.endsWith('/manifest.json')) }
      } catch (cause) {
        known = null
        if (cause instanceof AppError) throw cause
        throw new AppError('backup_failed', { cause, detail: `The copy: ${(cause as Error).message}.` })
      }
    },
    /** What was removed there by somebody else is asked for anew. */
    forget: (): void => {
      known = null
    },
  }
}
