import type { Random } from './random.ts'

/** A file: what processes see of it, and how much of that a power cut leaves for sure. */
interface File {
  bytes: Buffer
  length: number
  synced: number
  /** Its name is on the disk: it was there when its folder was last synced. */
  named: boolean
  /** A sync failed: what was not on the disk then, up to this byte, gets there only when it is written anew, whatever syncs say. */
  spoiledTo: number
}

/** What a disk does wrong now. */
export type DiskFault = 'none' | 'full' | 'sync-fails'

const FIRST_BYTES = 4096

const fault = (code: string): Error => Object.assign(new Error(code), { code })

/** The disk of one replica; it outlives its processes. Paths are whole texts, folders are not kept. */
export const createDisk = (random: Random) => {
  const files = new Map<string, File>()
  /** Deleted since the folder was last synced. */
  const deleted = new Map<string, File>()
  const descriptors = new Map<number, { readonly file: File; append: boolean }>()
  let state: DiskFault = 'none'

  const fileAt = (path: string): File => {
    const file = files.get(path)
    if (!file) throw fault('ENOENT')
    return file
  }

  const blank = (): File => ({ bytes: Buffer.alloc(FIRST_BYTES), length: 0, synced: 0, named: false, spoiledTo: 0 })
  const folder = blank()

  const make = (path: string): File => {
    const file = blank()
    files.set(path, file)
    return file
  }

  const write = (file: File, bytes: Buffer, at: number): number => {
    const end = at + bytes.length
    if (end > file.bytes.length) {
      const larger = Buffer.alloc(Math.max(end, file.bytes.length * 2))
      file.bytes.copy(larger, 0, 0, file.length)
      file.bytes = larger
    }
    bytes.copy(file.bytes, at)
    file.length = Math.max(file.length, end)
    return bytes.length
  }

  const makeDurable = (file: File, length: number): void => {
    if (state === 'sync-fails') {
      file.spoiledTo = file.length
      throw fault('EIO')
    }
    if (file.spoiledTo <= file.synced) file.synced = Math.max(file.synced, Math.min(length, file.length))
  }

  const opened = (descriptor: number) => {
    const found = descriptors.get(descriptor)
    if (!found) throw fault('EBADF')
    return found
  }

  return {
    setFault: (next: DiskFault) => {
      state = next
    },
    isWell: () => state === 'none',
    exists: (path: string) => files.has(path),
    open: (path: string, flags: string, descriptor: number): void => {
      if (flags.includes('x') && files.has(path)) throw fault('EEXIST')
      if (state === 'full' && flags !== 'r' && random.chance(0.5)) throw fault('ENOSPC')
      const read = () => files.get(path) ?? folder
      const file = flags === 'r' ? read() : flags === 'w' || !files.has(path) ? make(path) : fileAt(path)
      descriptors.set(descriptor, { file, append: flags.startsWith('a') })
    },
    close: (descriptor: number) => void descriptors.delete(descriptor),
    /** Forgets what a dead process had open. */
    closeAll: () => descriptors.clear(),
    write: (descriptor: number, bytes: Buffer, position: number | null): number => {
      const { file, append } = opened(descriptor)
      // What has its place on the disk is written over, full or not.
      if (state === 'full' && (position === null || position + bytes.length > file.length)) {
        // A disk that is nearly full takes a part.
        const part = random.below(3) === 0 ? random.below(bytes.length) : 0
        if (part === 0) throw fault('ENOSPC')
        return write(file, bytes.subarray(0, part), append ? file.length : (position ?? 0))
      }
      return write(file, bytes, append ? file.length : (position ?? 0))
    },
    truncate: (descriptor: number, length: number) => {
      const { file } = opened(descriptor)
      file.length = Math.min(file.length, length)
      file.synced = Math.min(file.synced, file.length)
      file.spoiledTo = Math.min(file.spoiledTo, file.length)
    },
    /** Answers what, called later, makes what was written until now durable. @throws EIO */
    sync: (descriptor: number): (() => void) => {
      const { file } = opened(descriptor)
      const { length } = file
      return () => makeDurable(file, length)
    },
    /** Writes over what has its place, from the first byte on. */
    writeOver: (path: string, bytes: Buffer, position: number): number => {
      const file = fileAt(path)
      if (position <= file.synced && position + bytes.length >= file.spoiledTo) file.spoiledTo = 0
      return write(file, bytes, position)
    },
    syncPath: (path: string): void => makeDurable(fileAt(path), fileAt(path).length),
    syncNames: () => {
      for (const file of files.values()) file.named = true
      deleted.clear()
    },
    read: (path: string): Buffer => {
      const file = fileAt(path)
      return file.bytes.subarray(0, file.length)
    },
    put: (path: string, text: string, flags: string): void => {
      if (flags.includes('x') && files.has(path)) throw fault('EEXIST')
      if (state === 'full') throw fault('ENOSPC')
      const file = flags === 'a' ? (files.get(path) ?? make(path)) : make(path)
      write(file, Buffer.from(text), file.length)
    },
    list: (directory: string): string[] =>
      [...files.keys()]
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1)),
    rename: (from: string, to: string): void => {
      const file = fileAt(from)
      files.delete(from)
      files.set(to, file)
    },
    remove: (path: string): void => {
      const file = fileAt(path)
      files.delete(path)
      if (file.named) deleted.set(path, file)
    },
    /** What was not synced is gone, wholly or from some byte on; what was deleted may be back. */
    cutPower: (): void => {
      for (const [path, file] of deleted) if (!files.has(path) && random.chance(0.5)) files.set(path, file)
      deleted.clear()
      for (const [path, file] of files) {
        if (!file.named && random.chance(0.5)) {
          files.delete(path)
          continue
        }
        const lost = file.length - file.synced
        if (lost > 0) file.length = file.synced + (random.chance(0.5) ? 0 : random.below(lost + 1))
        if (file.length > file.synced && random.chance(0.3)) file.bytes.fill(0, file.synced, file.length)
        file.synced = file.length
        file.named = true
        file.spoiledTo = 0
      }
    },
  }
}

/** A disk of the simulation. */
export type Disk = ReturnType<typeof createDisk>
