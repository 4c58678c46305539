/** The store is away, full, or has lost what it was given. */
export class BlobsUnavailable extends Error {
  override readonly name = 'BlobsUnavailable'
}

/** A name that was made here: 64 lower-case hexadecimal digits, the SHA-256 of what is stored under it. */
export const blobName = /^[0-9a-f]{64}$/

/**
 * Keeps objects of some mebibytes that never change, under names made of what they hold. What `put` has answered for survives a
 * crash of the process and of the machine. All reject with `BlobsUnavailable`.
 */
export interface Blobs {
  /** Keeps an object; a second time under the same name changes nothing. */
  readonly put: (name: string, bytes: Buffer) => Promise<void>
  /** Gives an object back whole. */
  readonly get: (name: string) => Promise<Buffer>
  /** Erases an object; one that is not there is erased. */
  readonly remove: (name: string) => Promise<void>
}

/** Refuses any other name: none leads out of the store. @throws TypeError */
export const checkedName = (name: string): string => {
  if (!blobName.test(name)) throw new TypeError('This is no name of an object')
  return name
}
