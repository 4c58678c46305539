type Schema = Readonly<Record<string, unknown>>

/** Enough for any honest schema; one that refers to itself ends here. */
const MOST_LEVELS = 16
const MOST_VALUES = 200

interface Building {
  readonly root: Schema
  valuesLeft: number
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What `#/$defs/name` points at; anything else is unknown and allows everything. */
const follow = (reference: string, root: Schema): unknown =>
  reference
    .split('/')
    .slice(1)
    .reduce<unknown>((at, name) => (isSchema(at) ? at[name.replaceAll('~1', '/').replaceAll('~0', '~')] : {}), root)

const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined)

const numberIn = (schema: Schema): number => {
  const { minimum, exclusiveMinimum, maximum } = schema
  if (typeof minimum === 'number') return minimum
  if (typeof exclusiveMinimum === 'number') return exclusiveMinimum + 1
  return typeof maximum === 'number' ? Math.min(0, maximum) : 0
}

const textIn = ({ minLength, maxLength }: Schema, name: string): string => {
  const text = `simulated ${name}`
  const padded = typeof minLength === 'number' ? text.padEnd(Math.min(minLength, 1_000), '.') : text
  return typeof maxLength === 'number' ? padded.slice(0, maxLength) : padded
}

const typeOf = (schema: Schema): unknown => {
  const { type } = schema
  if (Array.isArray(type)) return type.find((name) => name !== 'null') ?? 'null'
  return type ?? (isSchema(schema['properties']) ? 'object' : 'string')
}

const build = (schema: unknown, name: string, building: Building, level: number): unknown => {
  if (!isSchema(schema) || level > MOST_LEVELS || building.valuesLeft-- <= 0) return null
  const { $ref: reference } = schema
  if (typeof reference === 'string') return build(follow(reference, building.root), name, building, level + 1)
  const given = schema['const'] ?? schema['default'] ?? first(schema['examples']) ?? first(schema['enum'])
  if (given !== undefined) return given
  const branch = first(schema['anyOf']) ?? first(schema['oneOf']) ?? first(schema['allOf'])
  if (branch !== undefined) return build(branch, name, building, level + 1)
  switch (typeOf(schema)) {
    case 'object': {
      const properties = isSchema(schema['properties']) ? schema['properties'] : {}
      return Object.fromEntries(
        Object.entries(properties).map(([key, child]) => [key, build(child, key, building, level + 1)]),
      )
    }
    case 'array': {
      const least = typeof schema['minItems'] === 'number' ? Math.min(schema['minItems'], 20) : 1
      const items = schema['items'] ?? { type: 'string' }
      return Array.from({ length: Math.max(1, least) }, () => build(items, name, building, level + 1))
    }
    case 'number':
    case 'integer':
      return numberIn(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return textIn(schema, name)
  }
}

/**
 * A value that a JSON schema allows, the same every time: its own constants, defaults, examples and first enum member, else
 * texts that say they are simulated. Patterns and formats are not obeyed.
 */
export const exampleOf = (schema: unknown): unknown =>
  build(schema, 'text', { root: isSchema(schema) ? schema : {}, valuesLeft: MOST_VALUES }, 0)
