import type { Database, Read, Transaction } from './db.ts'
import { oncePerRead } from './once-per-read.ts'
import { type Binding, decrypt, deriveRoot, encrypt, makeKey, SealBroken } from './seal-cipher.ts'
import { type DataKeyRow, type EncryptionKeyRow, sealStatements as statements } from './seal.store.ts'

/** The house's own scope, where no project is meant. */
const HOUSE = '*'
/** Format of what is sealed: this byte, the data key's version in four bytes, then nonce, ciphertext and tag. */
const FORMAT = 1
const HEADER_BYTES = 5
/** A data key is replaced after so many messages, far below the 2^32 that random nonces allow. */
const MOST_USES = 2n ** 30n
/** Data keys rewrapped in one transaction. */
const BATCH = 200
/** Opened data keys that are remembered. */
const MOST_OPENED = 1_000

/** Where a sealed value stands: it opens at no other place. */
export interface SealedPlace {
  /** A project’s id; absent for the house itself. */
  readonly project?: string
  /** What the data key is for, such as `provider-secrets`. */
  readonly purpose: string
  readonly table: string
  readonly row: string
  readonly column: string
}

/** One version of the encryption key, as operators see it. */
export interface EncryptionKeyState {
  readonly version: number
  readonly createdAt: Date
  readonly destroyedAt: Date | null
  /** Data keys that it wraps. */
  readonly dataKeys: number
  /** Whether the root key at hand opens it. */
  readonly opens: boolean
}

/** What a rotation did. */
export interface Rotation {
  readonly version: number
  readonly rewrapped: number
  readonly destroyed: readonly number[]
}

/** Envelope encryption of columns: root key, encryption key, data key, AES-256-GCM. */
export interface Seal {
  /** Seals a text, or bytes, for its place, in the transaction that stores it. @throws SealBroken when the root key is another. */
  seal(transaction: Transaction, place: SealedPlace, content: string | Buffer): Promise<Buffer>
  /** @throws SealBroken when it was changed, stands elsewhere, or the root key is another. */
  open(read: Read, place: SealedPlace, sealed: Buffer): Promise<string>
  /** The same for what was sealed as bytes. */
  openBytes(read: Read, place: SealedPlace, sealed: Buffer): Promise<Buffer>
  state(read: Read): Promise<EncryptionKeyState[]>
  /**
   * Makes a new encryption key, rewraps every data key with it and destroys the former ones; what is sealed stays as it
   * is. Replicas need not be told. Ended halfway, the next rotation finishes it. `record` writes the audit of a step.
   */
  rotate(database: Database, record: (transaction: Transaction, step: object) => Promise<void>): Promise<Rotation>
}

const keyBinding = (rootId: string, version: number): Binding => ['headgate/encryption-key/1', rootId, version]
const dataKeyBinding = (row: Omit<DataKeyRow, 'wrapped' | 'uses'>): Binding => [
  'headgate/data-key/1',
  row.project_id,
  row.purpose,
  row.version,
  row.key_version,
]
const placeBinding = (place: SealedPlace, version: number): Binding => [
  'headgate/sealed/1',
  place.project ?? HOUSE,
  place.purpose,
  place.table,
  place.row,
  place.column,
  version,
]

/** Builds the seal of a house from its root key. */
export const createSeal = (rootKey: { reveal(): string }): Seal => {
  const root = deriveRoot(rootKey.reveal())
  const opened = new Map<string, Buffer>()
  const readDataKey = oncePerRead(statements.dataKey)

  const openEncryptionKey = (row: EncryptionKeyRow | undefined): Buffer => {
    if (!row?.wrapped) throw new SealBroken('The encryption key was destroyed')
    if (row.root_id !== root.id)
      throw new SealBroken(
        `Secrets were sealed under another root key (${row.root_id}, this one is ${root.id}): start with the root key they were sealed under`,
      )
    return decrypt(root.key, keyBinding(row.root_id, row.version), row.wrapped)
  }

  const makeEncryptionKey = (transaction: Transaction, version: number): Promise<boolean> =>
    statements.insertEncryptionKey(transaction, {
      version,
      root_id: root.id,
      wrapped: encrypt(root.key, keyBinding(root.id, version), makeKey()),
    })

  const currentEncryptionKey = async (transaction: Transaction): Promise<EncryptionKeyRow> => {
    let row = await statements.newestEncryptionKey(transaction)
    if (!row) {
      await makeEncryptionKey(transaction, 1)
      row = await statements.newestEncryptionKey(transaction)
    }
    return row as EncryptionKeyRow
  }

  const makeDataKey = async (transaction: Transaction, project: string, purpose: string, version: number) => {
    const encryptionKey = await currentEncryptionKey(transaction)
    const row = { project_id: project, purpose, version, key_version: encryptionKey.version }
    const wrapped = encrypt(openEncryptionKey(encryptionKey), dataKeyBinding(row), makeKey())
    await statements.insertDataKey(transaction, { ...row, wrapped })
  }

  const openDataKey = async (read: Read, row: DataKeyRow): Promise<Buffer> => {
    // Wrapping changes with each rotation, the key inside never.
    const name = JSON.stringify([row.project_id, row.purpose, row.version])
    const known = opened.get(name)
    if (known) return known
    const encryptionKey = openEncryptionKey(await statements.encryptionKey(read, row.key_version))
    const key = decrypt(encryptionKey, dataKeyBinding(row), row.wrapped)
    if (opened.size >= MOST_OPENED) opened.clear()
    opened.set(name, key)
    return key
  }

  const rewrap = async (transaction: Transaction, to: number): Promise<number> => {
    const target = openEncryptionKey(await statements.encryptionKey(transaction, to))
    const rows = await statements.outdatedDataKeys(transaction, to, BATCH)
    for (const row of rows) {
      const from = openEncryptionKey(await statements.encryptionKey(transaction, row.key_version))
      const key = decrypt(from, dataKeyBinding(row), row.wrapped)
      const next = { ...row, key_version: to }
      await statements.rewrapDataKey(transaction, { ...next, wrapped: encrypt(target, dataKeyBinding(next), key) })
    }
    return rows.length
  }

  const openBytes: Seal['openBytes'] = async (read, place, sealed) => {
    if (sealed.length < HEADER_BYTES || sealed[0] !== FORMAT) throw new SealBroken('This is nothing that was sealed')
    const version = sealed.readUInt32BE(1)
    const row = await readDataKey(read, place.project ?? HOUSE, place.purpose, version)
    if (!row) throw new SealBroken('The data key of what was sealed is gone')
    const key = await openDataKey(read, row)
    return decrypt(key, placeBinding(place, version), sealed.subarray(HEADER_BYTES))
  }

  return {
    seal: async (transaction, place, content) => {
      const { project = HOUSE, purpose } = place
      for (;;) {
        const row = await statements.useDataKey(transaction, project, purpose)
        if (!row || row.uses > MOST_USES) {
          await makeDataKey(transaction, project, purpose, (row?.version ?? 0) + 1)
          continue
        }
        const key = await openDataKey(transaction, row)
        const header = Buffer.alloc(HEADER_BYTES)
        header.writeUInt8(FORMAT)
        header.writeUInt32BE(row.version, 1)
        return Buffer.concat([
          header,
          encrypt(key, placeBinding(place, row.version), typeof content === 'string' ? Buffer.from(content) : content),
        ])
      }
    },

    open: async (read, place, sealed) => (await openBytes(read, place, sealed)).toString(),
    openBytes,

    state: async (read) =>
      (await statements.encryptionKeys(read)).map((row) => ({
        version: row.version,
        createdAt: row.created_at,
        destroyedAt: row.destroyed_at,
        dataKeys: Number(row.data_keys),
        opens: row.wrapped !== null && row.root_id === root.id,
      })),

    rotate: async (database, record) => {
      const version = await database.transaction('system', async (transaction) => {
        const former = await currentEncryptionKey(transaction)
        openEncryptionKey(former)
        const next = former.version + 1
        if (!(await makeEncryptionKey(transaction, next)))
          throw new SealBroken('Another rotation is under way: look at the state and try again')
        await record(transaction, { version: next, former: former.version })
        return next
      })
      let rewrapped = 0
      for (let done = BATCH; done === BATCH; rewrapped += done)
        done = await database.transaction('system', (transaction) => rewrap(transaction, version))
      const destroyed = await database.transaction('system', async (transaction) => {
        await statements.lockEncryptionKeysBefore(transaction, version)
        const gone = await statements.destroyUnusedBefore(transaction, version)
        await record(transaction, { version, rewrapped, destroyed: gone })
        return gone
      })
      return { version, rewrapped, destroyed }
    },
  }
}
