import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { AppError } from './errors.ts'
import { checkChain, checkPack, checkSignature, readObject, readObjectList } from './embedded-backup-check.ts'
import { type BackupSigner, placesIn, readManifest, type TellProgress } from './embedded-backup-repository.ts'
import type { Bytes } from './embedded-backup-sealed.ts'

/** What was looked at of a backup, all of it found whole. */
export interface Verified {
  readonly backup: string
  /** False: without an identity only what lies there was compared, not what it holds. */
  readonly decrypted: boolean
  readonly files: number
  readonly segments: number
  readonly objects: number
  /** Whether the note of the newest segment is signed; null: it was not looked at. */
  readonly head_signed: boolean | null
}

/**
 * Proves that a base backup and everything it needs is what was written.
 * @throws AppError `backup_not_found`, `backup_damaged`, `backup_key_wrong`
 */
export const verifyBackup = async (
  directory: string,
  id: string,
  identities: readonly string[],
  signers: readonly BackupSigner[],
  onProgress: TellProgress = () => {},
): Promise<Verified> => {
  const manifest = await readManifest(directory, id)
  checkSignature(manifest, signers)
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(placesIn(directory).pack(id)) as Bytes) hash.update(chunk)
  } catch (cause) {
    throw new AppError('backup_damaged', { cause, detail: `The pack of ${id} cannot be read.` })
  }
  if (hash.digest('hex') !== manifest.pack.stored_sha256)
    throw new AppError('backup_damaged', { detail: `The pack of ${id} was changed.` })
  const files = manifest.pack.files.length
  if (identities.length === 0)
    return { backup: id, decrypted: false, files, segments: 0, objects: 0, head_signed: null }
  await checkPack(directory, manifest, identities, undefined, onProgress)
  const { bytes } = manifest.pack
  onProgress({ stage: 'wal', done: bytes, total: bytes })
  const { segments, isHeadSigned } = await checkChain({ directory, manifest, identities, signers, until: 'end' })
  onProgress({ stage: 'contents', done: bytes, total: bytes })
  const objects = await readObjectList(directory, manifest)
  for (const name of objects) await readObject(directory, name, identities)
  return { backup: id, decrypted: true, files, segments, objects: objects.length, head_signed: isHeadSigned }
}
