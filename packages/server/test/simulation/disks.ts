import type { Disk } from './disk.ts'

const disks = new Map<string, Disk>()

/** The disk of a replica. */
export const diskOf = (replica: string): Disk => {
  const disk = disks.get(replica)
  if (!disk) throw new Error(`${replica} has no disk`)
  return disk
}

/** Gives replicas their disks; those of a former world are gone. */
export const installDisks = (given: ReadonlyMap<string, Disk>): void => {
  disks.clear()
  for (const [replica, disk] of given) disks.set(replica, disk)
}
