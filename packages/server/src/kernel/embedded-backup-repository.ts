import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from 'node:crypto'
import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from './errors.ts'
import { writeWhole } from './embedded-backup-sealed.ts'

const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === 'ENOENT'

/** A file of the database within the pack. */
export interface PackedFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** What stood in a table when the backup was made: rows, and a sum over them that does not depend on their order. */
export interface TableEvidence {
  readonly rows: string
  readonly checksum: string
}

/** What a restore up to a place of the WAL must find there. */
export interface Evidence {
  readonly lsn: string
  readonly at: string
  /** False: too much was being written for a moment between two transactions; then the figures may differ by what was under way. */
  readonly exact: boolean
  readonly tables: Readonly<Record<string, TableEvidence>>
}

/** Describes one base backup. */
export interface Manifest {
  readonly format: 1
  readonly id: string
  readonly started_at: string
  readonly finished_at: string
  readonly headgate: string
  /** Major version of PostgreSQL. */
  readonly postgres: string
  /** PostgreSQL's identifier of the cluster. */
  readonly system: string
  readonly timeline: number
  readonly start_lsn: string
  readonly stop_lsn: string
  readonly start_segment: string
  /** The last one that this backup needs for its evidence. */
  readonly end_segment: string
  /** What PostgreSQL wants to find as `backup_label`. */
  readonly label: string
  readonly pack: {
    readonly bytes: number
    readonly stored_bytes: number
    readonly stored_sha256: string
    readonly files: readonly PackedFile[]
  }
  /** Folders of the database, also those that are empty. */
  readonly folders: readonly string[]
  readonly evidence: Evidence
  /** Contents of assets: null where they are kept in a bucket. */
  readonly objects: { readonly count: number; readonly sha256: string } | null
  /** The note of the newest segment is signed; absent in backups of before it was. */
  readonly signed_head?: true
}

/** How far work on a backup is: bytes of the files of the database. */
export type TellProgress = (progress: {
  readonly stage: 'files' | 'archive' | 'wal' | 'contents'
  readonly done: number
  readonly total: number
}) => void

/** Signs manifests and reports, and knows its own signature. */
export interface BackupSigner {
  readonly sign: (text: string) => string
  readonly isMine: (text: string, signature: string) => boolean
  /** PEM. */
  readonly publicKey: string
}

/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The signer of a root key: an Ed25519 key derived by HKDF-SHA-256 (RFC 5869) under a label of its own. */
export const createBackupSigner = (rootKey: string): BackupSigner => {
  const seed = Buffer.from(hkdfSync('sha256', rootKey, '', 'headgate/backup-signature/1', 32))
  const key: KeyObject = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
  const open = createPublicKey(key)
  return {
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64'),
    isMine: (text, signature) => verify(null, Buffer.from(text), open, Buffer.from(signature, 'base64')),
    publicKey: open.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

/** Where things lie in the folder of backups. */
export const placesIn = (directory: string) => ({
  bases: join(directory, 'base'),
  base: (id: string) => join(directory, 'base', id),
  pack: (id: string) => join(directory, 'base', id, 'pack.age'),
  objectList: (id: string) => join(directory, 'base', id, 'objects.list'),
  manifest: (id: string) => join(directory, 'base', id, 'manifest.json'),
  wal: join(directory, 'wal'),
  /** Segments of 4 GiB of WAL lie in one folder. */
  walFolder: (name: string) => join(directory, 'wal', name.slice(0, 16).replace('.', '_')),
  head: join(directory, 'wal', 'head.json'),
  objects: join(directory, 'objects'),
  object: (name: string) => join(directory, 'objects', name.slice(0, 2), `${name}.age`),
  erasures: join(directory, 'erasures.age'),
  drills: join(directory, 'drills'),
})

/** Writes the manifest of a base backup, signed. */
export const writeManifest = (path: string, manifest: Manifest, signer: BackupSigner): Promise<void> => {
  const text = JSON.stringify(manifest)
  return writeWhole(path, `${JSON.stringify({ manifest: text, signature: signer.sign(text) })}\n`)
}

/** The newest segment that was taken over; a restore to the latest state must find it. */
export interface Head {
  readonly segment: string
  readonly at: string
}

/** A note of the newest segment, with what was signed; null: it is of a Headgate that did not sign it. */
export interface FoundHead extends Head {
  readonly signed: { readonly text: string; readonly signature: string } | null
}

/** Writes the note of the newest segment, signed. */
export const writeHead = (directory: string, head: Head, signer: BackupSigner): Promise<void> => {
  const text = JSON.stringify(head)
  return writeWhole(placesIn(directory).head, `${JSON.stringify({ head: text, signature: signer.sign(text) })}\n`)
}

/** The newest segment taken over; null before the first. Whether it was signed is for `checkHead`. @throws AppError `backup_damaged` */
export const readHead = async (directory: string): Promise<FoundHead | null> => {
  const { head: path } = placesIn(directory)
  try {
    const found = JSON.parse(await readFile(path, 'utf8')) as Head | { head: string; signature: string }
    if (!('head' in found)) return { segment: found.segment, at: found.at, signed: null }
    const { segment, at } = JSON.parse(found.head) as Head
    return { segment, at, signed: { text: found.head, signature: found.signature } }
  } catch (cause) {
    if (isMissing(cause)) return null
    throw new AppError('backup_damaged', { cause, detail: `${path} cannot be read.` })
  }
}

/** A manifest with what it was read from. */
export interface FoundManifest extends Manifest {
  readonly text: string
  readonly signature: string
}

/** @throws AppError `backup_not_found`, `backup_damaged` */
export const readManifest = async (directory: string, id: string): Promise<FoundManifest> => {
  const path = placesIn(directory).manifest(id)
  const file = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (isMissing(cause)) throw new AppError('backup_not_found', { detail: `There is no backup ${id}.` })
    throw new AppError('backup_damaged', { cause, detail: `${path} cannot be read.` })
  })
  return parseManifest(file, id, path)
}

/** Reads the text of a manifest. @throws AppError `backup_damaged` */
export const parseManifest = (file: string, id: string, path: string): FoundManifest => {
  let found: FoundManifest
  try {
    const { manifest: text, signature } = JSON.parse(file) as { manifest: string; signature: string }
    found = { ...(JSON.parse(text) as Manifest), text, signature }
  } catch (cause) {
    throw new AppError('backup_damaged', { cause, detail: `${path} is no manifest.` })
  }
  if (found.format !== 1)
    throw new AppError('backup_damaged', { detail: `${path} has a format that is not known here.` })
  if (found.id !== id) throw new AppError('backup_damaged', { detail: `${path} is the manifest of ${found.id}.` })
  return found
}

/** Ids of the base backups that are whole, the oldest first: they begin with the time. */
export const listBackups = async (directory: string): Promise<string[]> => {
  const names = await readdir(placesIn(directory).bases).catch((cause: unknown) => {
    if (isMissing(cause)) return [] as string[]
    throw new AppError('backup_failed', { cause, detail: `The folder ${directory} cannot be read.` })
  })
  const whole = await Promise.all(
    names
      .filter((name) => /^\d{8}T\d{6}Z-[0-9a-f]{4}$/.test(name))
      .map((name) =>
        access(placesIn(directory).manifest(name)).then(
          () => [name],
          () => [],
        ),
      ),
  )
  return whole.flat().sort()
}

/** Digest of a list of names, in the order given. */
export const digestNames = (names: readonly string[]): string => {
  const hash = createHash('sha256')
  for (const name of names) hash.update(`${name}\n`)
  return hash.digest('hex')
}
