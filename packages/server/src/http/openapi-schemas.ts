import type { TSchema } from 'typebox'

/** A JSON value that is an object. */
export type Members = Record<string, unknown>

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Keywords whose values are data, not schemas. */
const data = new Set(['examples', 'default', 'const', 'enum', 'required'])
/** Keywords whose members have names of the author's choosing. */
const named = new Set(['properties', 'patternProperties', '$defs'])

/** Writes schemas for the document: those with a `title` once, under `components/schemas`, and a reference elsewhere. */
export interface SchemaWriter {
  readonly write: (schema: TSchema) => Members
  /** What was written under a title so far, by title in order. */
  readonly components: () => Members
}

/** @throws Error (from `write`) when two different schemas have the same title. */
export const createSchemaWriter = (): SchemaWriter => {
  const components = new Map<string, { source: unknown; written: Members }>()

  const writeMembers = (schema: Members): Members => {
    const written: Members = {}
    for (const [name, value] of Object.entries(schema)) {
      if (data.has(name)) written[name] = value
      else if (named.has(name) && isObject(value))
        written[name] = Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, writeAny(inner)]))
      else written[name] = writeAny(value)
    }
    const { enum: values, type } = written
    if (type === undefined && Array.isArray(values) && values.every((one) => typeof one === 'string'))
      return { type: 'string', ...written }
    return written
  }

  const writeAny = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(writeAny)
    if (!isObject(value)) return value
    const { title } = value
    if (typeof title !== 'string') return writeMembers(value)
    const source = JSON.stringify(value)
    const known = components.get(title)
    if (known && known.source !== source) throw new Error(`Two schemas are called ${title}`)
    if (!known) {
      const entry = { source, written: {} as Members }
      components.set(title, entry)
      const { title: _title, ...rest } = value
      entry.written = writeMembers(rest)
    }
    return { $ref: `#/components/schemas/${title}` }
  }

  return {
    write: (schema) => writeAny(schema) as Members,
    components: () =>
      Object.fromEntries(
        [...components]
          .sort(([left], [right]) => (left < right ? -1 : 1))
          .map(([name, { written }]) => [name, written]),
      ),
  }
}
