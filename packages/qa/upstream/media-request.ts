import { ScriptError } from './script.ts'

/** A request for images, audio or verdicts: JSON, or the fields of a form with the files beside them. */
export interface MediaBody {
  model: string
  stream?: boolean
  [name: string]: unknown
}

/** One part of a form. */
interface Part {
  name: string
  fileName: string | null
  bytes: Buffer
}

const partsOf = (body: Buffer, contentType: string): Part[] => {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1]
  if (boundary === undefined) throw new ScriptError('the form has no boundary')
  // latin1 keeps every byte apart
  const pieces = body.toString('latin1').split(`--${boundary}`)
  if (!pieces.at(-1)?.startsWith('--')) throw new ScriptError('the form does not end')
  return pieces.slice(1, -1).map((piece) => {
    const at = piece.indexOf('\r\n\r\n')
    const head = piece.slice(0, at)
    const name = /name="([^"]*)"/.exec(head)?.[1] ?? ''
    const fileName = /filename="([^"]*)"/.exec(head)?.[1] ?? null
    return { name, fileName, bytes: Buffer.from(piece.slice(at + 4, -2), 'latin1') }
  })
}

/**
 * Reads a form: its fields as text, its files by name.
 * @throws ScriptError when it is none
 */
export const readForm = (body: Buffer, contentType: string): MediaBody => {
  const fields: Record<string, unknown> = {}
  const files: Record<string, Buffer[]> = {}
  for (const { name, fileName, bytes } of partsOf(body, contentType)) {
    if (fileName === null) fields[name] = bytes.toString('utf8')
    else files[name.replace('[]', '')] = [...(files[name.replace('[]', '')] ?? []), bytes]
  }
  if (typeof fields['model'] !== 'string') throw new ScriptError('model is required')
  return { ...fields, model: fields['model'], stream: fields['stream'] === 'true', files }
}

/** The files of a form by the name of their field. */
export const filesOf = (body: MediaBody, name: string): Buffer[] =>
  (body['files'] as Record<string, Buffer[]> | undefined)?.[name] ?? []
