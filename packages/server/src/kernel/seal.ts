import type { Read, Transaction } from './db.ts'
import { oncePerRead } from './once-per-read.ts'
import { type Binding, decrypt, encrypt, SealBroken, SealErased } from './seal-cipher.ts'
import { createSealKeys } from './seal-keys.ts'
import type { SealRoots } from './seal-root.ts'
import { createSealRotation, type SealRotation } from './seal-rotation.ts'
import { type DataKeyName, sealStatements as statements } from './seal.store.ts'

/** The house's own scope, where no project is meant. */
const HOUSE = '*'
/**
 * What is sealed begins with a byte for whose data key it needs, then the key's version in four bytes, nonce, ciphertext and tag.
 * What was sealed before people had keys of their own opens with its project's.
 */
const OF_PROJECT = 1
const OF_PERSON = 2
const HEADER_BYTES = 5
/** A data key is replaced after so many messages, far below the 2^32 that random nonces allow. */
const MOST_USES = 2n ** 30n

/** Where a sealed value stands: it opens at no other place. */
export interface SealedPlace {
  /** A project’s id; absent for the house itself. */
  readonly project?: string
  /** The person of the project whose data key seals it: with the key, all of it is gone. '' or absent: the project’s own key. */
  readonly subject?: string
  /** What the data key is for, such as `provider-secrets`. */
  readonly purpose: string
  readonly table: string
  readonly row: string
  readonly column: string
}

/** Envelope encryption of columns: root, encryption key, data key of a project or of one person, AES-256-GCM. */
export interface Seal extends SealRotation {
  /** Seals a text, or bytes, for its place, in the transaction that stores it. @throws SealBroken when the root key is another; AppError `encryption_root_unavailable` */
  seal(transaction: Transaction, place: SealedPlace, content: string | Buffer): Promise<Buffer>
  /** @throws SealBroken when it was changed, stands elsewhere, its key was destroyed, or the root key is another; AppError `encryption_root_unavailable` */
  open(read: Read, place: SealedPlace, sealed: Buffer): Promise<string>
  /** The same for what was sealed as bytes. */
  openBytes(read: Read, place: SealedPlace, sealed: Buffer): Promise<Buffer>
}

const placeBinding = (place: SealedPlace, subject: string, version: number): Binding => {
  const { project = HOUSE, purpose, table, row, column } = place
  return subject === ''
    ? ['headgate/sealed/1', project, purpose, table, row, column, version]
    : ['headgate/sealed/2', project, purpose, subject, table, row, column, version]
}

const keyOf = ({ project = HOUSE, purpose }: SealedPlace, subject: string): DataKeyName => ({
  project_id: project,
  purpose,
  subject,
})

/** Builds the seal of a house from its roots. */
export const createSeal = (roots: SealRoots): Seal => {
  const keys = createSealKeys(roots)
  const readDataKey = oncePerRead(statements.dataKey)

  const openBytes: Seal['openBytes'] = async (read, place, sealed) => {
    const format = sealed[0]
    if (sealed.length < HEADER_BYTES || (format !== OF_PROJECT && format !== OF_PERSON))
      throw new SealBroken('This is nothing that was sealed')
    const subject = format === OF_PERSON ? (place.subject ?? '') : ''
    if (format === OF_PERSON && subject === '') throw new SealBroken('This was sealed for a person')
    const version = sealed.readUInt32BE(1)
    const row = await readDataKey(read, keyOf(place, subject), version)
    if (!row) throw new (subject === '' ? SealBroken : SealErased)('The data key of what was sealed is gone')
    const key = await keys.openDataKey(read, row)
    return decrypt(key, placeBinding(place, subject, version), sealed.subarray(HEADER_BYTES))
  }

  return {
    ...createSealRotation(keys),
    seal: async (transaction, place, content) => {
      const subject = place.subject ?? ''
      const name = keyOf(place, subject)
      for (;;) {
        const row = await statements.useDataKey(transaction, name)
        if (!row || row.is_old || row.uses > MOST_USES) {
          await keys.makeDataKey(transaction, name, (row?.version ?? 0) + 1)
          continue
        }
        const key = await keys.openDataKey(transaction, row)
        const header = Buffer.alloc(HEADER_BYTES)
        header.writeUInt8(subject === '' ? OF_PROJECT : OF_PERSON)
        header.writeUInt32BE(row.version, 1)
        const plain = typeof content === 'string' ? Buffer.from(content) : content
        return Buffer.concat([header, encrypt(key, placeBinding(place, subject, row.version), plain)])
      }
    },
    open: async (read, place, sealed) => (await openBytes(read, place, sealed)).toString(),
    openBytes,
  }
}
