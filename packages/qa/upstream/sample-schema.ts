interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  minItems?: number
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  $ref?: string
  minimum?: number
  exclusiveMinimum?: number
  minLength?: number
  format?: string
}

const formats: Readonly<Record<string, string>> = {
  date: '2026-01-31',
  'date-time': '2026-01-31T12:00:00Z',
  time: '12:00:00Z',
  email: 'someone@example.com',
  uri: 'https://example.com/',
  uuid: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
}

const follow = (root: Schema, reference: string): Schema => {
  let found: unknown = root
  for (const step of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    found = (found as Record<string, unknown> | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return (found ?? {}) as Schema
}

const typeOf = (schema: Schema): string | undefined => {
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type
  return type ?? (schema.properties === undefined ? undefined : 'object')
}

/**
 * A value that satisfies a simple JSON schema (types, properties, items, enum, const, unions, references, lower bounds,
 * common formats). Optional properties are included; recursion ends at depth 8.
 */
export const sampleSchema = (schema: unknown, root: unknown = schema, depth = 0): unknown => {
  const node = (typeof schema === 'object' && schema !== null ? schema : {}) as Schema
  const inner = (child: unknown): unknown => sampleSchema(child, root, depth + 1)
  if (depth > 8) return null
  if (node.const !== undefined) return node.const
  if (node.enum?.length) return node.enum[0]
  if (node.$ref !== undefined) return inner(follow(root as Schema, node.$ref))
  const union = node.anyOf ?? node.oneOf
  if (union?.[0] !== undefined) return inner(union[0])
  if (node.allOf?.length) return Object.assign({}, ...node.allOf.map(inner))
  switch (typeOf(node)) {
    case 'object': {
      const required = new Set(node.required ?? [])
      const names = Object.keys(node.properties ?? {}).filter((name) => depth < 4 || required.has(name))
      return Object.fromEntries(names.map((name) => [name, inner(node.properties?.[name])]))
    }
    case 'array':
      return Array.from({ length: Math.max(1, node.minItems ?? 1) }, () => inner(node.items))
    case 'integer':
      return Math.ceil(node.minimum ?? (node.exclusiveMinimum === undefined ? 1 : node.exclusiveMinimum + 1))
    case 'number':
      return node.minimum ?? (node.exclusiveMinimum === undefined ? 1.5 : node.exclusiveMinimum + 0.5)
    case 'boolean':
      return true
    case 'null':
      return null
    case 'string':
      return formats[node.format ?? ''] ?? 'sample'.padEnd(node.minLength ?? 0, '.')
    default:
      return 'sample'
  }
}
