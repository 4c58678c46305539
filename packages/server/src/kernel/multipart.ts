import { AppError } from './errors.ts'

/** One part of a form. */
export interface FormPart {
  readonly name: string
  /** null for a field that is no file. */
  readonly fileName: string | null
  /** Where its content stands in the body. */
  readonly start: number
  readonly end: number
}

const mostParts = 128
const mostHeaderBytes = 8_192
const lineEnd = Buffer.from('\r\n')
const headerEnd = Buffer.from('\r\n\r\n')

const broken = (detail: string): AppError => new AppError('invalid_multipart', { detail })

/** The boundary of a form's content type (RFC 2046, 5.1.1). @throws AppError `invalid_multipart`. */
const boundaryOf = (contentType: string): string => {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw broken('The content type names no boundary.')
  return boundary
}

/** A parameter of Content-Disposition; quotes are escaped by a backslash or percent-encoded (RFC 7578, WHATWG HTML 4.10.21.8). */
const parameterOf = (header: string, name: string): string | null => {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'i').exec(header)
  if (match === null) return null
  return (match[1] ?? match[2] ?? '').replace(/\\(.)/g, '$1').replaceAll('%22', '"')
}

/** Where a part of such a form stands, from its boundary to the next one: what to cut so that a form is left. */
export const wholePart = (
  body: Buffer,
  contentType: string,
  content: { readonly start: number; readonly end: number },
): { readonly start: number; readonly end: number } => {
  const between = Buffer.from(`\r\n--${boundaryOf(contentType)}`)
  const before = body.lastIndexOf(between, content.start - between.length)
  return { start: before < 0 ? 0 : before + lineEnd.length, end: content.end + lineEnd.length }
}

/**
 * Finds the parts of a form without copying any: one search for each boundary.
 * @throws AppError `invalid_multipart`.
 */
export const outlineForm = (body: Buffer, contentType: string): readonly FormPart[] => {
  const delimiter = Buffer.from(`--${boundaryOf(contentType)}`)
  const between = Buffer.concat([lineEnd, delimiter])
  const parts: FormPart[] = []
  let at = body.subarray(0, delimiter.length).equals(delimiter) ? 0 : body.indexOf(between) + lineEnd.length
  if (at === lineEnd.length - 1) throw broken('The body does not begin with the boundary of its content type.')
  for (;;) {
    const afterDelimiter = at + delimiter.length
    if (body[afterDelimiter] === 45 && body[afterDelimiter + 1] === 45) return parts
    const headerStart = body.indexOf(lineEnd, afterDelimiter) + lineEnd.length
    if (headerStart < lineEnd.length) throw broken('The body ends within a boundary.')
    const contentStart = body.indexOf(headerEnd, headerStart - lineEnd.length) + headerEnd.length
    if (contentStart < headerEnd.length || contentStart - headerStart > mostHeaderBytes)
      throw broken('The headers of a part do not end.')
    const contentEnd = body.indexOf(between, contentStart - lineEnd.length)
    if (contentEnd < 0) throw broken('A part does not end: the body is cut.')
    const disposition = body
      .toString('utf8', headerStart, contentStart)
      .split('\r\n')
      .find((line) => /^content-disposition\s*:/i.test(line))
    const name = disposition === undefined ? null : parameterOf(disposition, 'name')
    if (disposition === undefined || name === null) throw broken('A part has no name.')
    const fileName = parameterOf(disposition, 'filename') ?? (/;\s*filename\*=/i.test(disposition) ? '' : null)
    parts.push({ name, fileName, start: contentStart, end: Math.max(contentStart, contentEnd) })
    if (parts.length > mostParts) throw broken(`The form has more than ${mostParts} parts.`)
    at = contentEnd + lineEnd.length
  }
}
