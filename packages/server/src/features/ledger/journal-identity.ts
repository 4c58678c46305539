import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { prefixedId } from '../../kernel/ids.ts'
import { codeOf } from './journal-owner.ts'

const IDENTITY = /^rep_[0-9A-HJKMNP-TV-Z]{26}$/

/**
 * The id that the folder keeps; where the disk does not take it, one for this process alone. What a power cut left of one is
 * none: two replicas could have the same beginning of it.
 */
export const identityOf = (directory: string, now: number): string => {
  const path = join(directory, 'replica')
  const known = existsSync(path) ? readFileSync(path, 'utf8') : ''
  if (IDENTITY.test(known)) return known
  const id = prefixedId('rep', now)
  try {
    const descriptor = openSync(path, 'w', 0o600)
    try {
      writeSync(descriptor, Buffer.from(id), 0, id.length)
      fdatasyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    if (!['ENOSPC', 'EIO'].includes(codeOf(cause) ?? '')) throw cause
  }
  return id
}
