/** What a template is filled with; null and what is absent leave nothing, or `null` in JSON. */
export type TemplateValues = Readonly<Record<string, unknown>>

/** How values are written: as JSON, as parts of an address, as text of XML, or as they are. */
export type TemplateMode = 'json' | 'url' | 'xml' | 'text'

/** A text with places for values. */
export interface Template {
  /** Names of the values that it has places for. */
  readonly names: ReadonlySet<string>
  fill(values: TemplateValues): string
}

/** What is wrong with a template, in words for whoever wrote it. */
export class TemplateFault extends Error {}

interface Place {
  readonly name: string
  /** Of JSON: inside of a text, whose quotes stand in the template. */
  readonly isQuoted: boolean
}

const placePattern = /\{([a-z][a-z_]*)\}/g

const textOf = (value: unknown): string => {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Lone halves of surrogate pairs have no UTF-8. */
const inAddress = (value: unknown): string => encodeURIComponent(textOf(value).toWellFormed())

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** XML 1.0, 2.2: most control characters may stand in no document, however they are written. */
const inXml = (value: unknown): string =>
  textOf(value)
    .toWellFormed()
    .replace(/[&<>"']/g, (character) => entities[character] as string)
    .replace(/[^\t\n\r\u0020-\ud7ff\ud800-\udfff\ue000-\ufffd]/g, ' ')

const inJson = (value: unknown, isQuoted: boolean): string =>
  isQuoted ? JSON.stringify(textOf(value)).slice(1, -1) : JSON.stringify(value ?? null)

/** Whether a JSON text is inside of a string after this piece of it. */
const endsQuoted = (piece: string, isQuoted: boolean): boolean => {
  let inside = isQuoted
  for (let at = 0; at < piece.length; at++) {
    if (piece[at] === '\\' && inside) at++
    else if (piece[at] === '"') inside = !inside
  }
  return inside
}

const write = (place: Place, value: unknown, mode: TemplateMode): string => {
  if (mode === 'json') return inJson(value, place.isQuoted)
  if (mode === 'xml') return inXml(value)
  return mode === 'url' ? inAddress(value) : textOf(value)
}

/**
 * Reads a template: `{name}` is a place for a value. In JSON a place inside of quotes takes the text, any other the whole value.
 * @throws TemplateFault for a name that is not known, or a template that would be no JSON.
 */
export const parseTemplate = (text: string, mode: TemplateMode, known: ReadonlySet<string>): Template => {
  const pieces: (string | Place)[] = []
  let end = 0
  let isQuoted = false
  for (const found of text.matchAll(placePattern)) {
    const [whole, name = ''] = found
    if (!known.has(name)) throw new TemplateFault(`{${name}} is not known`)
    const literal = text.slice(end, found.index)
    isQuoted = endsQuoted(literal, isQuoted)
    pieces.push(literal, { name, isQuoted })
    end = found.index + whole.length
  }
  pieces.push(text.slice(end))
  const places = pieces.filter((piece) => typeof piece !== 'string')
  const fill = (values: TemplateValues): string =>
    pieces.map((piece) => (typeof piece === 'string' ? piece : write(piece, values[piece.name], mode))).join('')
  if (mode === 'json') {
    try {
      JSON.parse(fill({}))
    } catch {
      throw new TemplateFault('is no JSON once it is filled')
    }
  }
  return { names: new Set(places.map(({ name }) => name)), fill }
}
