import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { AppError } from './errors.ts'

/** Anything that gives bytes one after the other. */
export type Bytes = AsyncIterable<Buffer>

/** What was written: the file as it lies there, and what it holds. */
export interface SealedFile {
  readonly stored_bytes: number
  readonly stored_sha256: string
  readonly bytes: number
  readonly sha256: string
}

/** Encrypts files for the holders of identities that are not here. */
export interface Vault {
  /**
   * Writes a file: compressed (gzip, RFC 1952), encrypted (age-encryption.org/v1), synced, read back, decrypted and compared, then
   * renamed. A file of that name is replaced. `isFirst`: whether it may not be there yet.
   * @throws AppError `backup_failed`
   */
  readonly write: (path: string, content: Bytes) => Promise<SealedFile>
}

/** Passes bytes on and sums them up. */
export const measure = () => {
  const hash = createHash('sha256')
  let bytes = 0
  return {
    pass: async function* (source: AsyncIterable<Uint8Array>) {
      for await (const chunk of source) {
        hash.update(chunk)
        bytes += chunk.length
        yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      }
    },
    result: () => ({ bytes, sha256: hash.digest('hex') }),
  }
}

/** Text as bytes. */
export const textBytes = async function* (text: string): Bytes {
  yield Buffer.from(text)
}

const isWrongKey = (cause: unknown): boolean => cause instanceof Error && /no identity matched/.test(cause.message)

/**
 * What a sealed file holds, piece by piece. Nothing of it may be believed before the end was reached: only then is it known to be whole.
 * @throws AppError `backup_key_wrong` where no identity opens it, `backup_damaged` where it is not what was written.
 */
export const openSealed = async function* (path: string, identities: readonly string[]): Bytes {
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  try {
    const stored = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>
    const plain = Readable.fromWeb((await decrypter.decrypt(stored)) as Parameters<typeof Readable.fromWeb>[0])
    const unpacked = createGunzip()
    plain.on('error', (cause) => unpacked.destroy(cause))
    for await (const chunk of plain.pipe(unpacked)) yield chunk as Buffer
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    if (isWrongKey(cause))
      throw new AppError('backup_key_wrong', { cause, detail: `No identity at hand opens ${path}.` })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('backup_damaged', { cause, detail: `${path} is not what was written: ${reason}.` })
  }
}

/** Everything that a small sealed file holds. @throws as `openSealed` */
export const readSealed = async (path: string, identities: readonly string[]): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of openSealed(path, identities)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Makes a name in a folder last: a rename alone may be lost with the power. */
export const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a small file whole or not at all. */
export const writeWhole = async (path: string, text: string): Promise<void> => {
  const draft = `${path}.${process.pid}.new`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
  await syncFolder(dirname(path))
}

/**
 * A vault for recipients (`age1…`). Each run adds a recipient of its own, whose identity never leaves the memory: so what was written
 * can be decrypted at once to prove it, although the identities of the recipients are elsewhere.
 */
export const createVault = async (recipients: readonly string[]): Promise<Vault> => {
  const proof = await generateX25519Identity()
  const encrypter = new Encrypter()
  for (const recipient of [...recipients, await identityToRecipient(proof)]) encrypter.addRecipient(recipient)
  const encrypt = async function* (source: AsyncIterable<Uint8Array>) {
    const plain = Readable.toWeb(Readable.from(source)) as ReadableStream<Uint8Array>
    yield* (await encrypter.encrypt(plain)) as unknown as AsyncIterable<Uint8Array>
  }
  return {
    write: async (path, content) => {
      const draft = `${path}.${process.pid}.new`
      const held = measure()
      const stored = measure()
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        await pipeline(
          Readable.from(content),
          held.pass,
          createGzip({ level: 1 }),
          encrypt,
          stored.pass,
          createWriteStream(draft, { mode: 0o600, flush: true }),
        )
        const given = held.result()
        const found = measure()
        for await (const _ of found.pass(openSealed(draft, [proof])));
        const read = found.result()
        if (read.sha256 !== given.sha256)
          throw new AppError('backup_failed', { detail: `${path} reads otherwise than it was written.` })
        await rename(draft, path)
        await syncFolder(dirname(path))
        const { bytes, sha256 } = stored.result()
        return { ...given, stored_bytes: bytes, stored_sha256: sha256 }
      } catch (cause) {
        await rm(draft, { force: true }).catch(() => undefined)
        if (cause instanceof AppError && cause.code === 'backup_failed') throw cause
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new AppError('backup_failed', { cause, detail: `${path} could not be written: ${reason}.` })
      }
    },
  }
}
