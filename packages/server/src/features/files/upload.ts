import { uploadPurposes } from '@headgate/contract/files.ts'
import { AppError } from '../../kernel/errors.ts'
import { outlineForm } from '../../kernel/multipart.ts'

/** What a form uploads. */
export interface Upload {
  readonly name: string
  readonly purpose: string
  readonly keepSeconds: number | null
  readonly content: Buffer
}

const LEAST_SECONDS = 3_600
const MOST_SECONDS = 2_592_000
const MOST_NAME = 255
const unprintable = /[\p{Cc}\p{Cs}]/gu

const wrong = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}`, details: [{ location, message, fix }] })

/** The last part of a path, as browsers of old send whole ones. */
const baseName = (name: string): string => {
  const base = name.split(/[\\/]/).at(-1)?.replace(unprintable, '').slice(0, MOST_NAME) ?? ''
  return base === '' ? 'file' : base.toWellFormed()
}

/** Reads the form of an upload. @throws AppError `invalid_multipart`, `duplicate_parameter`, `unknown_parameter`, `invalid_parameter`. */
export const readUpload = (body: Buffer, contentType: string, mostBytes: number): Upload => {
  const fields = new Map<string, string>()
  let file: { readonly name: string; readonly content: Buffer } | null = null
  for (const { name, fileName, start, end } of outlineForm(body, contentType)) {
    if (fields.has(name) || (name === 'file' && file !== null))
      throw new AppError('duplicate_parameter', {
        details: [{ location: name, message: 'stands more than once', fix: 'Send it once.' }],
      })
    if (name === 'file') {
      if (fileName === null) throw wrong('file', 'is no file', 'Send it with a file name.')
      file = { name: baseName(fileName), content: body.subarray(start, end) }
    } else if (name === 'purpose' || name === 'expires_after[anchor]' || name === 'expires_after[seconds]')
      fields.set(name, body.toString('utf8', start, Math.min(end, start + MOST_NAME)))
    else
      throw new AppError('unknown_parameter', {
        details: [
          {
            location: name.replace(unprintable, '').toWellFormed().slice(0, MOST_NAME) || 'field',
            message: 'is no field of this form',
            fix: 'Send file, purpose and expires_after.',
          },
        ],
      })
  }
  if (file === null || file.content.length === 0)
    throw wrong('file', 'is missing or empty', 'Send the file in the field file.')
  if (file.content.length > mostBytes) throw new AppError('request_too_large', { params: { limit_bytes: mostBytes } })
  const purpose = fields.get('purpose') ?? ''
  if (!uploadPurposes.some((known) => known === purpose))
    throw wrong('purpose', `must be one of ${uploadPurposes.join(', ')}`, 'Say what the file is for.')
  const [anchor, seconds] = [fields.get('expires_after[anchor]'), fields.get('expires_after[seconds]')]
  if (anchor === undefined && seconds === undefined) return { ...file, purpose, keepSeconds: null }
  if (anchor !== 'created_at') throw wrong('expires_after[anchor]', 'must be created_at', 'Write created_at.')
  const keepSeconds = /^\d{1,8}$/.test(seconds ?? '') ? Number(seconds) : 0
  if (keepSeconds < LEAST_SECONDS || keepSeconds > MOST_SECONDS)
    throw wrong('expires_after[seconds]', `must be ${LEAST_SECONDS} to ${MOST_SECONDS}`, 'Write whole seconds.')
  return { ...file, purpose, keepSeconds }
}
