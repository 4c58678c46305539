// Stands in for node:fs, as far as the journal uses it: the disk of the machine whose code runs.
import { Killed, stage, type World } from '../stage.ts'
import type { Machine } from '../stage.ts'
import { diskOf } from '../disks.ts'
import type { Disk } from '../disk.ts'

let descriptors = 100

/** Whose code runs; it may die here. */
export const here = (): { world: World; machine: Machine; disk: Disk } => {
  const { world } = stage
  const machine = world?.current() ?? null
  if (world === null || machine === null) throw new Error('The disk is asked for outside of a machine')
  machine.step()
  return { world, machine, disk: diskOf(machine.name) }
}

export const openSync = (path: string, flags: string): number => {
  const { disk } = here()
  const descriptor = ++descriptors
  disk.open(path, flags, descriptor)
  return descriptor
}
export const closeSync = (descriptor: number): void => here().disk.close(descriptor)
export const existsSync = (path: string): boolean => here().disk.exists(path)
export const mkdirSync = (): void => void here()
export const fsyncSync = (): void => here().disk.syncNames()
export const fdatasyncSync = (descriptor: number): void => here().disk.sync(descriptor)()
export const ftruncateSync = (descriptor: number, length: number): void => here().disk.truncate(descriptor, length)
export const readdirSync = (path: string): string[] => here().disk.list(path)
export const renameSync = (from: string, to: string): void => here().disk.rename(from, to)
export const unlinkSync = (path: string): void => here().disk.remove(path)
export const appendFileSync = (path: string, text: string): void => here().disk.put(path, text, 'a')
export const writeFileSync = (path: string, text: string, options: { flag?: string } = {}): void =>
  here().disk.put(path, text, options.flag ?? 'w')

/** A process is told from a later one by its start: each of a replica has its own. */
const processStart = (life: number): string => `1 (node) ${'S '.repeat(19)}${life}`

export const readFileSync = (path: string, encoding?: BufferEncoding): string | Buffer => {
  const { machine, disk } = here()
  if (path.startsWith('/proc/')) return processStart(machine.life)
  const bytes = Buffer.from(disk.read(path))
  return encoding === undefined ? bytes : bytes.toString(encoding)
}

export const writeSync = (
  descriptor: number,
  bytes: Buffer,
  offset: number,
  length: number,
  position: number | null = null,
): number => {
  const machine = stage.world?.current() ?? null
  const part = bytes.subarray(offset, offset + length)
  const wasAlive = machine !== null && !machine.isDead()
  try {
    return here().disk.write(descriptor, part, position)
  } catch (cause) {
    // Who is killed while writing leaves a torn line.
    if (cause instanceof Killed && wasAlive && position === null) {
      const { world } = stage
      const torn = part.subarray(0, world?.random.below(length + 1))
      diskOf(machine.name).write(descriptor, torn, position)
    }
    throw cause
  }
}

export const fdatasync = (descriptor: number, done: (cause: unknown) => void): void => {
  const { world, machine, disk } = here()
  const finish = disk.sync(descriptor)
  world.schedule(machine, world.random.between(0.2, world.random.chance(0.05) ? 200 : 8), 'synced', () => {
    try {
      finish()
    } catch (cause) {
      return done(cause)
    }
    done(null)
  })
}
