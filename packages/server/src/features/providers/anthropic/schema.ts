import { isObject, type Members } from '../translation/parts.ts'

/** String formats that structured outputs keep (Anthropic's SDK, lib/transform-json-schema). */
const formats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'])

/** Keywords that go through as they are. */
const kept = new Set(['$ref', 'type', 'enum', 'const', 'description', 'title', 'required'])
/** Keywords whose members are schemas. */
const maps = new Set(['properties', '$defs', 'definitions'])
/** Keywords that constrain nothing. */
const silent = new Set(['$schema', '$id', '$comment', 'additionalProperties'])

const translateMap = (map: Members): Members =>
  Object.fromEntries(Object.entries(map).map(([name, schema]) => [name, outputSchema(schema)]))

/** One keyword of a schema; null when Anthropic has none such. */
const translateKeyword = (name: string, value: unknown): readonly [string, unknown] | null => {
  if (kept.has(name)) return [name, value]
  if (maps.has(name) && isObject(value)) return [name, translateMap(value)]
  if ((name === 'anyOf' || name === 'oneOf' || name === 'allOf') && Array.isArray(value))
    return [name === 'oneOf' ? 'anyOf' : name, value.map(outputSchema)]
  if (name === 'items' && isObject(value)) return [name, outputSchema(value)]
  if (name === 'minItems' && (value === 0 || value === 1)) return [name, value]
  if (name === 'format' && typeof value === 'string' && formats.has(value)) return [name, value]
  return null
}

const isObjectType = (type: unknown): boolean => (Array.isArray(type) ? type.includes('object') : type === 'object')

/**
 * A JSON schema within what Anthropic's structured outputs take: objects are closed, and constraints that it does not
 * know are told to the model in the description, as Anthropic's own SDK does.
 */
export const outputSchema = (schema: unknown): unknown => {
  if (!isObject(schema)) return schema
  const translated: Record<string, unknown> = {}
  const told: string[] = []
  for (const [name, value] of Object.entries(schema)) {
    if (silent.has(name)) continue
    const keyword = translateKeyword(name, value)
    if (keyword === null) told.push(`${name}: ${JSON.stringify(value)}`)
    else translated[keyword[0]] = keyword[1]
  }
  if (isObjectType(schema['type'])) {
    translated['properties'] ??= {}
    translated['additionalProperties'] = false
  }
  if (told.length > 0) {
    const described = translated['description']
    const before = typeof described === 'string' && described !== '' ? `${described}\n\n` : ''
    translated['description'] = `${before}{${told.join(', ')}}`
  }
  return translated
}
