import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealPort } from './audit.ports.ts'
import { insertKey, type KeyRow, listKeys } from './checkpoints.store.ts'
import { makeKeys, type NoteKey } from './note.ts'

const ed25519 = 0x01
/** Of a public key. */
const keyBytes = 32
const placeOf = (version: number) => ({
  purpose: 'audit',
  table: 'audit_keys',
  row: String(version),
  column: 'sealed',
})

/** The public half of a row. */
export const noteKeyOf = ({ name, public_key }: Pick<KeyRow, 'name' | 'public_key'>): NoteKey => ({
  name,
  kind: ed25519,
  key: public_key,
})

/** Public half of a private key in PEM. */
const publicBytes = (secret: string): Buffer =>
  createPublicKey(createPrivateKey(secret)).export({ type: 'spki', format: 'der' }).subarray(-keyBytes)

interface SigningKeysOptions {
  readonly seal: SealPort
  readonly clock: Clock
  /** Name of the log; null: one is made. */
  readonly origin: () => string | null
}

/** The keys of this house that sign checkpoints. */
export const createSigningKeys = ({ seal, clock, origin }: SigningKeysOptions) => {
  const add = async (transaction: Transaction, version: number, name: string): Promise<KeyRow> => {
    const { secret, key } = makeKeys(name)
    const sealed = await seal.seal(transaction, placeOf(version), secret)
    const row = { version, name, public_key: key.key, sealed, created_at: new Date(clock.now()) }
    await insertKey(transaction, row)
    return row
  }
  /** The private key, PEM. @throws SealBroken */
  const open = (read: Read, { version, sealed }: KeyRow): Promise<string> => seal.open(read, placeOf(version), sealed)

  return {
    open,
    /** The newest; the first of all is made here. Checkpoints are locked. */
    newest: async (transaction: Transaction): Promise<KeyRow> => {
      const [row] = await listKeys(transaction)
      return row ?? add(transaction, 1, origin() ?? `headgate/audit/${randomBytes(8).toString('hex')}`)
    },
    /** Makes the next one, of the same log. Checkpoints are locked. */
    next: async (transaction: Transaction, former: KeyRow): Promise<KeyRow> =>
      add(transaction, former.version + 1, former.name),
    /**
     * Those that this house has made: whoever only rules the database can write a row, but seal no private key. Versions of the others
     * are told apart.
     */
    proven: async (read: Read): Promise<{ readonly keys: NoteKey[]; readonly foreign: number[] }> => {
      const keys: NoteKey[] = []
      const foreign: number[] = []
      for (const row of await listKeys(read)) {
        const secret = await open(read, row).catch(() => null)
        const own = secret === null ? null : publicBytes(secret)
        if (own?.equals(row.public_key) === true) keys.push(noteKeyOf(row))
        else foreign.push(row.version)
      }
      return { keys, foreign }
    },
  }
}
export type SigningKeys = ReturnType<typeof createSigningKeys>
