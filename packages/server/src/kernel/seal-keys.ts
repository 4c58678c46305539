import { createHash } from 'node:crypto'
import { AppError } from './errors.ts'
import type { Read, Transaction } from './db.ts'
import { type Binding, decrypt, encrypt, makeKey, SealBroken } from './seal-cipher.ts'
import { type SealRoot, SealRootAway, type SealRoots } from './seal-root.ts'
import { type DataKeyName, type DataKeyRow, type EncryptionKeyRow, sealStatements as statements } from './seal.store.ts'

/** Opened data keys that are remembered. */
const MOST_OPENED = 1_000

const keyBinding = (rootId: string, version: number): Binding => ['headgate/encryption-key/1', rootId, version]
/** A person’s key names the person, whom no key of the project’s own can stand for. */
const dataKeyBinding = (row: Omit<DataKeyRow, 'wrapped' | 'uses'>): Binding =>
  row.subject === ''
    ? ['headgate/data-key/1', row.project_id, row.purpose, row.version, row.key_version]
    : ['headgate/data-key/2', row.project_id, row.purpose, row.subject, row.version, row.key_version]

interface Remembered {
  /** Digest of the wrapped key: another key under the same name is never taken for this one. */
  readonly of: string
  readonly key: Buffer
}

const digestOf = (wrapped: Buffer): string => createHash('sha256').update(wrapped).digest('base64')

/** Keys opened by the roots at hand. What a key service opened once stays open in this process until it is destroyed. */
export const createSealKeys = ({ current, former }: SealRoots) => {
  const roots = new Map<string, SealRoot>([current, ...former].map((root) => [root.id, root]))
  const encryptionKeys = new Map<number, Remembered>()
  const dataKeys = new Map<string, Remembered>()

  const ask = async (work: () => Promise<Buffer>): Promise<Buffer> => {
    try {
      return await work()
    } catch (cause) {
      if (cause instanceof SealRootAway) throw new AppError('encryption_root_unavailable', { cause })
      throw cause
    }
  }

  const openEncryptionKey = async (row: EncryptionKeyRow | undefined): Promise<Buffer> => {
    if (!row?.wrapped) {
      if (row) encryptionKeys.delete(row.version)
      throw new SealBroken('The encryption key was destroyed')
    }
    const root = roots.get(row.root_id)
    if (root === undefined)
      throw new SealBroken(
        `Secrets were sealed under another root key (${row.root_id}, this one is ${current.id}): start with the root key they were sealed under`,
      )
    const of = digestOf(row.wrapped)
    const known = encryptionKeys.get(row.version)
    if (known?.of === of) return known.key
    const { wrapped } = row
    const key = await ask(() => root.unwrap(keyBinding(row.root_id, row.version), wrapped))
    encryptionKeys.set(row.version, { of, key })
    return key
  }

  /** False when another made that version first. */
  const makeEncryptionKey = async (transaction: Transaction, version: number): Promise<boolean> => {
    const wrapped = await ask(() => current.wrap(keyBinding(current.id, version), makeKey()))
    return statements.insertEncryptionKey(transaction, { version, root_id: current.id, wrapped })
  }

  const newestEncryptionKey = async (transaction: Transaction): Promise<EncryptionKeyRow> => {
    let row = await statements.newestEncryptionKey(transaction)
    if (!row) {
      await makeEncryptionKey(transaction, 1)
      row = await statements.newestEncryptionKey(transaction)
    }
    return row as EncryptionKeyRow
  }

  const nameOf = ({ project_id: project, purpose, subject, version }: DataKeyRow): string =>
    JSON.stringify([project, purpose, subject, version])

  return {
    currentRoot: current.id,
    /** Whether a root at hand opens it. */
    canOpen: (row: EncryptionKeyRow): boolean => row.wrapped !== null && roots.has(row.root_id),
    openEncryptionKey,
    newestEncryptionKey,
    makeEncryptionKey,

    makeDataKey: async (transaction: Transaction, name: DataKeyName, version: number): Promise<void> => {
      const encryptionKey = await newestEncryptionKey(transaction)
      const row = { ...name, version, key_version: encryptionKey.version }
      const wrapped = encrypt(await openEncryptionKey(encryptionKey), dataKeyBinding(row), makeKey())
      await statements.insertDataKey(transaction, { ...row, wrapped })
    },

    openDataKey: async (read: Read, row: DataKeyRow): Promise<Buffer> => {
      const name = nameOf(row)
      const of = digestOf(row.wrapped)
      const known = dataKeys.get(name)
      if (known?.of === of) return known.key
      const encryptionKey = await openEncryptionKey(await statements.encryptionKey(read, row.key_version))
      const key = decrypt(encryptionKey, dataKeyBinding(row), row.wrapped)
      if (dataKeys.size >= MOST_OPENED) dataKeys.clear()
      dataKeys.set(name, { of, key })
      return key
    },

    /** A data key as it is wrapped by another encryption key. */
    rewrapped: (row: DataKeyRow, from: Buffer, to: Buffer, keyVersion: number): Omit<DataKeyRow, 'uses'> => {
      const key = decrypt(from, dataKeyBinding(row), row.wrapped)
      const next = { ...row, key_version: keyVersion }
      return { ...next, wrapped: encrypt(to, dataKeyBinding(next), key) }
    },
  }
}

export type SealKeys = ReturnType<typeof createSealKeys>
