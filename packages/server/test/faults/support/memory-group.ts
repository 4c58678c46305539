import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'

const MOUNT = '/sys/fs/cgroup/memory'

/** Whether this process may make control groups of version 1, as root in a container often may. */
export const mayBoundMemory = ((): boolean => {
  try {
    accessSync(`${MOUNT}/memory.limit_in_bytes`, constants.W_OK)
    const probe = `${MOUNT}/headgate-probe-${process.pid}`
    mkdirSync(probe)
    rmdirSync(probe)
    return true
  } catch {
    return false
  }
})()

/** Runs `work`, which starts processes, inside a group that may have so many bytes; gives what takes the group away once they have ended. */
export const insideMemory = async <T>(bytes: number, work: () => Promise<T>): Promise<[T, () => void]> => {
  const home = MOUNT + (/^\d+:memory:(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/')
  const group = `${MOUNT}/headgate-test-${process.pid}`
  mkdirSync(group)
  writeFileSync(`${group}/memory.limit_in_bytes`, String(bytes))
  writeFileSync(`${group}/cgroup.procs`, String(process.pid))
  try {
    return [await work(), () => rmdirSync(group)]
  } finally {
    writeFileSync(`${home}/cgroup.procs`, String(process.pid))
  }
}
