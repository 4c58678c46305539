import type { Database } from '../../src/kernel/db.ts'
import type { RecordStep, SealRotation } from '../../src/kernel/seal-rotation.ts'

/** A whole rotation, as `headgate encryption rotate` does it: the next version, every data key, the end of the former ones. */
export const rotateWholly = async (seal: SealRotation, database: Database, record: RecordStep = async () => {}) => {
  const version = await seal.begin(database, record)
  let rewrapped = 0
  for (let done = await seal.step(database); done !== 0; done = await seal.step(database)) rewrapped += done ?? 0
  const destroyed: number[] = []
  for (const { version: former, destroyedAt } of await database.read('system', seal.state)) {
    if (former === version || destroyedAt !== null) continue
    await seal.destroy(database, former, record)
    destroyed.push(former)
  }
  return { version, rewrapped, destroyed }
}
