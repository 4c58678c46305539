// Stands in for node:fs/promises, as far as the journal uses it.
import { here } from './fs.ts'

const later = <T>(work: () => T): Promise<T> => {
  const { world, machine } = here()
  return new Promise((resolve, reject) => {
    world.schedule(machine, world.random.between(0.05, 2), 'file', () => {
      try {
        machine.step()
        resolve(work())
      } catch (cause) {
        reject(cause)
      }
    })
  })
}

export const unlink = (path: string): Promise<void> => {
  const { disk } = here()
  return later(() => disk.remove(path))
}

export const open = (path: string) => {
  const { disk } = here()
  return later(() => {
    if (!disk.exists(path)) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    return {
      read: (buffer: Buffer, offset: number, length: number, position: number) =>
        later(() => ({ buffer, bytesRead: disk.read(path).copy(buffer, offset, position, position + length) })),
      write: (buffer: Buffer, offset: number, length: number, position: number) =>
        later(() => ({ bytesWritten: disk.writeOver(path, buffer.subarray(offset, offset + length), position) })),
      datasync: () => later(() => disk.syncPath(path)),
      close: () => Promise.resolve(),
    }
  })
}
