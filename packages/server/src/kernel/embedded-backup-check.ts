import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from './errors.ts'
import {
  type BackupSigner,
  digestNames,
  type FoundHead,
  type FoundManifest,
  placesIn,
  readHead,
  type TellProgress,
} from './embedded-backup-repository.ts'
import { openSealed, readSealed } from './embedded-backup-sealed.ts'
import { listArchive } from './embedded-backup-ship.ts'
import {
  nameSegment,
  readSegmentName,
  SEGMENT_HEADER_BYTES,
  segmentName,
  segmentProblem,
} from './embedded-backup-segments.ts'

const damaged = (detail: string): AppError => new AppError('backup_damaged', { detail })

/** @throws AppError `backup_damaged` where no signer at hand has signed it. */
export const checkSignature = (manifest: FoundManifest, signers: readonly BackupSigner[]): void => {
  if (signers.some(({ isMine }) => isMine(manifest.text, manifest.signature))) return
  throw damaged(
    `The manifest of ${manifest.id} was changed, or was made under another root key: start with the root key of that time.`,
  )
}

/**
 * The note of the newest segment, whose signature is checked. One without a signature is only taken beside a manifest of before notes were signed.
 * @throws AppError `backup_damaged`
 */
export const checkHead = async (
  directory: string,
  manifest: FoundManifest,
  signers: readonly BackupSigner[],
): Promise<FoundHead | null> => {
  const head = await readHead(directory)
  const { head: path } = placesIn(directory)
  if (head === null) {
    if (manifest.signed_head) throw damaged(`${path} is missing.`)
    return null
  }
  const { signed } = head
  if (signed === null) {
    if (manifest.signed_head)
      throw damaged(`${path} is not signed, although the backup ${manifest.id} says that it is.`)
  } else if (!signers.some(({ isMine }) => isMine(signed.text, signed.signature)))
    throw damaged(`${path} was changed, or was made under another root key.`)
  if (!segmentName.test(head.segment)) throw damaged(`${path} names no segment.`)
  return head
}

/**
 * Reads the pack of a base backup and compares every file with the manifest; with `into`, writes them there.
 * @throws AppError `backup_damaged`, `backup_key_wrong`
 */
export const checkPack = async (
  directory: string,
  manifest: FoundManifest,
  identities: readonly string[],
  into?: string,
  onProgress: TellProgress = () => {},
): Promise<void> => {
  const { files, bytes: total } = manifest.pack
  let done = 0
  let at = 0
  let hash = createHash('sha256')
  let handle = null as FileHandle | null
  let left = 0
  const begin = async (): Promise<void> => {
    const file = files[at]
    if (file === undefined) return
    // Only what is below: a manifest names no other place.
    if (file.path.startsWith('/') || file.path.split('/').includes('..')) throw damaged(`${file.path} is no path.`)
    hash = createHash('sha256')
    left = file.bytes
    if (into === undefined) return
    const path = join(into, file.path)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    handle = await open(path, 'wx', 0o600)
  }
  const finish = async (): Promise<void> => {
    const file = files[at]
    if (hash.digest('hex') !== file?.sha256) throw damaged(`${file?.path} in the backup ${manifest.id} was changed.`)
    await handle?.sync()
    await handle?.close()
    handle = null
    at += 1
    done += file.bytes
    onProgress({ stage: 'files', done, total })
    await begin()
  }
  try {
    await begin()
    for await (const chunk of openSealed(placesIn(directory).pack(manifest.id), identities)) {
      let rest = chunk
      while (rest.length > 0 || (left === 0 && at < files.length)) {
        if (at >= files.length) throw damaged(`The pack of ${manifest.id} holds more than its manifest says.`)
        const part = rest.subarray(0, left)
        hash.update(part)
        await handle?.write(part)
        left -= part.length
        rest = rest.subarray(part.length)
        if (left === 0) await finish()
        else break
      }
    }
    while (left === 0 && at < files.length) await finish()
    if (at < files.length) throw damaged(`The pack of ${manifest.id} ends before ${files[at]?.path}.`)
  } finally {
    await handle?.close()
  }
}

const BLOCK_BYTES = 65_536

/** Writes a file in which what is zero takes no room: segments that were closed early are mostly that. */
const createSparse = async (path: string) => {
  const handle = await open(path, 'wx', 0o600)
  let at = 0
  return {
    write: async (chunk: Buffer): Promise<void> => {
      for (let from = 0; from < chunk.length; from += BLOCK_BYTES) {
        const part = chunk.subarray(from, from + BLOCK_BYTES)
        if (part.some((byte) => byte !== 0)) await handle.write(part, 0, part.length, at + from)
      }
      at += chunk.length
    },
    close: async (): Promise<void> => {
      await handle.truncate(at)
      await handle.close()
    },
  }
}

interface ChainOptions {
  readonly directory: string
  readonly manifest: FoundManifest
  readonly identities: readonly string[]
  readonly signers: readonly BackupSigner[]
  /** How far: what the backup itself needs; all there is, with a gap refused; or all up to a gap. */
  readonly until: 'end' | 'head' | 'gap'
  /** Where the segments are written. */
  readonly into?: string
}

/** The chain of segments that was checked. */
export interface Chain {
  readonly segments: number
  readonly last: string
  /** The first segment that is not there, though later ones are. */
  readonly missing: string | null
  /** False: the note of the newest segment is of a Headgate that did not sign it. */
  readonly isHeadSigned: boolean
}

/**
 * Decrypts every segment from the beginning of a base backup on, and compares each with what its name says and with where it must stand.
 * @throws AppError `backup_damaged`, `backup_key_wrong`
 */
export const checkChain = async (options: ChainOptions): Promise<Chain> => {
  const { directory, manifest, identities, signers, until, into } = options
  const { timeline, system } = manifest
  const archive = await listArchive(directory)
  const first = readSegmentName(manifest.start_segment).number
  const end = readSegmentName(manifest.end_segment).number
  const head = await checkHead(directory, manifest, signers)
  const isHeadSigned = head !== null && head.signed !== null
  const ofHead = head === null ? null : readSegmentName(head.segment)
  const numbers = [...archive.keys()]
    .filter((name) => segmentName.test(name))
    .map(readSegmentName)
    .filter((one) => one.timeline === timeline)
    .map(({ number }) => number)
  if (ofHead?.timeline === timeline) numbers.push(ofHead.number)
  const last = until === 'end' ? end : numbers.reduce((most, number) => (number > most ? number : most), end)
  let checked = 0
  for (let number = first; number <= last; number += 1n) {
    const name = nameSegment(timeline, number)
    const found = archive.get(name) ?? []
    if (found.length === 0) {
      if (until === 'gap' && number > end)
        return { segments: checked, last: nameSegment(timeline, number - 1n), missing: name, isHeadSigned }
      throw damaged(`The segment ${name} of the WAL is missing.`)
    }
    if (found.length > 1) throw damaged(`There are ${found.length} different segments ${name}.`)
    const { path, sha256 } = found[0] as { path: string; sha256: string }
    const hash = createHash('sha256')
    const file = into === undefined ? null : await createSparse(join(into, name))
    let header = Buffer.alloc(0)
    let bytes = 0
    try {
      for await (const chunk of openSealed(path, identities)) {
        if (header.length < SEGMENT_HEADER_BYTES)
          header = Buffer.concat([header, chunk.subarray(0, SEGMENT_HEADER_BYTES - header.length)])
        hash.update(chunk)
        bytes += chunk.length
        await file?.write(chunk)
      }
    } finally {
      await file?.close()
    }
    if (hash.digest('hex') !== sha256) throw damaged(`${path} holds something else than its name says.`)
    const problem = segmentProblem(name, header, bytes, system)
    if (problem !== null) throw damaged(`The segment ${name} of the WAL ${problem}.`)
    checked += 1
  }
  return { segments: checked, last: nameSegment(timeline, last), missing: null, isHeadSigned }
}

/** Names of the contents that were kept when a backup was made: hashes of what is sealed, which say nothing. @throws AppError `backup_damaged` */
export const readObjectList = async (directory: string, manifest: FoundManifest): Promise<string[]> => {
  if (manifest.objects === null) return []
  const path = placesIn(directory).objectList(manifest.id)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('backup_damaged', { cause, detail: `${path} cannot be read.` })
  })
  return parseObjectList(text, manifest, path)
}

/** Reads the text of a list of contents. @throws AppError `backup_damaged` */
export const parseObjectList = (text: string, manifest: FoundManifest, path: string): string[] => {
  if (manifest.objects === null) return []
  const names = text.split('\n').filter((name) => name !== '')
  if (digestNames(names) !== manifest.objects.sha256) throw damaged(`${path} was changed.`)
  return names
}

/** Reads a content of an asset back whole. @throws AppError `backup_damaged`, `backup_key_wrong` */
export const readObject = async (directory: string, name: string, identities: readonly string[]): Promise<Buffer> => {
  const content = await readSealed(placesIn(directory).object(name), identities)
  if (createHash('sha256').update(content).digest('hex') !== name) throw damaged(`The content ${name} was changed.`)
  return content
}
