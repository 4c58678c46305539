import type { Database, Read, Transaction } from './db.ts'
import { SealBroken } from './seal-cipher.ts'
import type { SealKeys } from './seal-keys.ts'
import { sealStatements as statements } from './seal.store.ts'

/** Data keys rewrapped in one transaction. */
const BATCH = 100

/** One version of the encryption key, as operators see it. */
export interface EncryptionKeyState {
  readonly version: number
  /** Of the root that wraps it. */
  readonly rootId: string
  readonly createdAt: Date
  readonly destroyedAt: Date | null
  /** Data keys that it wraps. */
  readonly dataKeys: number
  /** Whether a root at hand opens it. */
  readonly opens: boolean
}

/** The data keys of a project and purpose, as operators see them; `*` is the house. */
export interface DataKeyState {
  readonly project: string
  readonly purpose: string
  readonly keys: number
  /** Those of people. */
  readonly people: number
  /** Messages that were sealed with them. */
  readonly uses: number
  /** Of the oldest that seals. */
  readonly createdAt: Date
}

/** Writes the audit of a step, in its transaction. */
export type RecordStep = (transaction: Transaction, step: object) => Promise<void>

/** An encryption key still wraps data keys, or is the newest. */
export class EncryptionKeyInUse extends Error {
  override readonly name = 'EncryptionKeyInUse'
  readonly dataKeys: number

  constructor(version: number, dataKeys: number) {
    super(`Version ${version} of the encryption key is in use: it wraps ${dataKeys} data keys`)
    this.dataKeys = dataKeys
  }
}

/** Rotation of the encryption key, while others seal and open. What is sealed stays as it is. */
export interface SealRotation {
  /** Of the root that wraps new encryption keys. */
  readonly rootId: string
  state(read: Read): Promise<EncryptionKeyState[]>
  dataKeys(read: Read): Promise<DataKeyState[]>
  /** Makes the next version, which wraps every data key made from now on. @throws SealBroken; AppError `encryption_root_unavailable` */
  begin(database: Database, record: RecordStep): Promise<number>
  /**
   * Rewraps some data keys with the newest version. One process of the house at a time: resolves to null where another is at it, to 0
   * where nothing is left. Ended halfway, the next call goes on.
   */
  step(database: Database): Promise<number | null>
  /** Destroys a version that wraps nothing; null where it is destroyed already. @throws EncryptionKeyInUse */
  destroy(database: Database, version: number, record: RecordStep): Promise<number | null>
}

/** Builds the rotation over the keys that the roots at hand open. */
export const createSealRotation = (keys: SealKeys): SealRotation => {
  const begin: SealRotation['begin'] = (database, record) =>
    database.transaction('system', async (transaction) => {
      const former = await keys.newestEncryptionKey(transaction)
      await keys.openEncryptionKey(former)
      const version = former.version + 1
      if (!(await keys.makeEncryptionKey(transaction, version)))
        throw new SealBroken('Another rotation is under way: look at the state and try again')
      await record(transaction, { version, former: former.version })
      return version
    })

  const step: SealRotation['step'] = async (database) => {
    if (!(await database.read('system', statements.hasOutdatedDataKey))) return 0
    return database.transaction('system', async (transaction) => {
      if (!(await statements.takeRewrapTurn(transaction))) return null
      const newest = await keys.newestEncryptionKey(transaction)
      const target = await keys.openEncryptionKey(newest)
      const rows = await statements.outdatedDataKeys(transaction, newest.version, BATCH)
      for (const row of rows) {
        const from = await keys.openEncryptionKey(await statements.encryptionKey(transaction, row.key_version))
        await statements.rewrapDataKey(transaction, keys.rewrapped(row, from, target, newest.version))
      }
      // What is being used just now is skipped, so that nobody waits for a rotation, and none for another.
      if (rows.length === 0 && (await statements.hasOutdatedDataKey(transaction))) return null
      return rows.length
    })
  }

  return {
    rootId: keys.currentRoot,
    state: async (read) =>
      (await statements.encryptionKeys(read)).map((row) => ({
        version: row.version,
        rootId: row.root_id,
        createdAt: row.created_at,
        destroyedAt: row.destroyed_at,
        dataKeys: Number(row.data_keys),
        opens: keys.canOpen(row),
      })),
    dataKeys: async (read) =>
      (await statements.dataKeyCounts(read)).map((row) => ({
        project: row.project_id,
        purpose: row.purpose,
        keys: Number(row.keys),
        people: Number(row.people),
        uses: Number(row.uses),
        createdAt: row.created_at,
      })),
    begin,
    step,
    destroy: (database, version, record) =>
      database.transaction('system', async (transaction) => {
        const newest = await statements.lockEncryptionKeysTo(transaction, version)
        const state = (await statements.encryptionKeys(transaction)).find((row) => row.version === version)
        if (state === undefined) throw new EncryptionKeyInUse(version, 0)
        if (state.destroyed_at !== null) return null
        const uses = Number(state.data_keys)
        if (uses > 0 || version >= newest) throw new EncryptionKeyInUse(version, uses)
        await statements.destroyUnused(transaction, version)
        await record(transaction, { version, destroyed: [version] })
        return version
      }),
  }
}
