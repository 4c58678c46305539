/** A JSON object. */
export type Members = Readonly<Record<string, unknown>>

/** What callers send must stay accepted; what they are sent must stay what they expect. */
export type Direction = 'sent' | 'answered'

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const membersOf = (value: unknown): Members => (isObject(value) ? value : {})
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Follows `$ref` into its document; anything else is given back. */
export const resolve = (document: Members, value: unknown): Members => {
  const { $ref } = membersOf(value)
  if (typeof $ref !== 'string') return membersOf(value)
  let at: unknown = document
  for (const step of $ref.slice(2).split('/'))
    at = membersOf(at)[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')]
  return resolve(document, at)
}

/** A schema without references at its top: the branches of its unions, each with what `allOf` adds put in. */
const branchesOf = (document: Members, schema: unknown): readonly Members[] => {
  const { anyOf, oneOf, allOf, ...own } = resolve(document, schema)
  const whole = listOf(allOf).reduce<Members>((sum, part) => {
    const [first = {}] = branchesOf(document, part)
    return {
      ...sum,
      ...first,
      properties: { ...membersOf(sum['properties']), ...membersOf(first['properties']) },
      required: [...listOf(sum['required']), ...listOf(first['required'])],
    }
  }, own)
  const union = [...listOf(anyOf), ...listOf(oneOf)]
  return union.length === 0 ? [whole] : union.flatMap((branch) => branchesOf(document, branch))
}

/** The values that a schema names, or null where it takes any. */
const valuesOf = (schema: Members): readonly unknown[] | null =>
  'const' in schema ? [schema['const']] : Array.isArray(schema['enum']) ? schema['enum'] : null

const tell = (value: unknown, nothing = ''): string =>
  value === undefined ? nothing : typeof value === 'string' ? value : JSON.stringify(value)

const lower = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
const upper = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']

const tightened = (was: Members, is: Members, at: string): string[] => {
  const changes: string[] = []
  for (const name of lower) {
    if (is[name] !== undefined && (was[name] === undefined || Number(is[name]) > Number(was[name])))
      changes.push(`${at}: ${name} is now ${tell(is[name])}, was ${tell(was[name], 'none')}`)
  }
  for (const name of upper) {
    if (is[name] !== undefined && (was[name] === undefined || Number(is[name]) < Number(was[name])))
      changes.push(`${at}: ${name} is now ${tell(is[name])}, was ${tell(was[name], 'none')}`)
  }
  if (is['pattern'] !== undefined && is['pattern'] !== was['pattern'])
    changes.push(`${at}: pattern is now ${tell(is['pattern'])}, was ${tell(was['pattern'], 'none')}`)
  if (is['uniqueItems'] === true && was['uniqueItems'] !== true) changes.push(`${at}: items must now be unique`)
  return changes
}

/** Whether what is read or written as `was` can still be as `is`. */
const keepsType = (was: unknown, is: unknown, direction: Direction): boolean => {
  if (was === is || (direction === 'sent' ? is : was) === undefined) return true
  return direction === 'sent' ? was === 'integer' && is === 'number' : was === 'number' && is === 'integer'
}

/** Compares schemas of two documents. */
export const createSchemaComparison = (released: Members, current: Members) => {
  /** Pairs under comparison: a schema may hold itself. */
  const open = new Set<string>()

  const objectChanges = (was: Members, is: Members, at: string, direction: Direction): string[] => {
    const [before, after] = [membersOf(was['properties']), membersOf(is['properties'])]
    const [neededBefore, needed] = [listOf(was['required']), listOf(is['required'])]
    const changes = Object.keys(before).flatMap((name) =>
      name in after ? compare(before[name], after[name], `${at}.${name}`, direction) : [`${at}.${name}: removed`],
    )
    const [more, fewer] = direction === 'sent' ? [needed, neededBefore] : [neededBefore, needed]
    const words = direction === 'sent' ? 'now required' : 'no longer always there'
    for (const name of new Set(more))
      if (!fewer.includes(name) && (direction === 'sent' || String(name) in after))
        changes.push(`${at}.${String(name)}: ${words}`)
    if (direction === 'sent' && is['additionalProperties'] === false && was['additionalProperties'] !== false)
      changes.push(`${at}: unknown members are now refused`)
    for (const rest of ['additionalProperties', 'patternProperties'] as const) {
      const [one, other] = [was[rest], is[rest]]
      if (rest === 'additionalProperties' && isObject(one) && isObject(other))
        changes.push(...compare(one, other, `${at}.*`, direction))
      if (rest === 'patternProperties')
        for (const [pattern, schema] of Object.entries(membersOf(one)))
          changes.push(
            ...(pattern in membersOf(other)
              ? compare(schema, membersOf(other)[pattern], `${at}.*`, direction)
              : [`${at}.*: removed`]),
          )
    }
    return changes
  }

  const branchChanges = (was: Members, is: Members, at: string, direction: Direction): string[] => {
    if (!keepsType(was['type'], is['type'], direction))
      return [`${at}: type is now ${tell(is['type'], 'any')}, was ${tell(was['type'], 'any')}`]
    const changes: string[] = []
    const [values, allowed] = [valuesOf(was), valuesOf(is)]
    if (values && allowed)
      for (const value of values)
        if (!allowed.includes(value)) changes.push(`${at}: ${JSON.stringify(value)} is no longer one of its values`)
    if (direction === 'sent' && !values && allowed) changes.push(`${at}: takes some values only now`)
    if (direction === 'answered' && values && !allowed) changes.push(`${at}: may now be any value`)
    if (direction === 'sent') changes.push(...tightened(was, is, at))
    if (isObject(was['items'])) changes.push(...compare(was['items'], is['items'], `${at}[]`, direction))
    return [...changes, ...objectChanges(was, is, at, direction)]
  }

  /** What breaks a caller, in words that begin with the place. */
  const compare = (was: unknown, is: unknown, at: string, direction: Direction): string[] => {
    const pair = JSON.stringify([membersOf(was)['$ref'], membersOf(is)['$ref'], direction])
    const named = pair.includes('#/')
    if (named && open.has(pair)) return []
    if (named) open.add(pair)
    try {
      const [before, after] = [branchesOf(released, was), branchesOf(current, is)]
      // Everything that was sent must find a branch that takes it; everything that is answered, one that was known.
      const [each, among] = direction === 'sent' ? [before, after] : [after, before]
      return each.flatMap((one) => {
        const found = among.map((other) =>
          direction === 'sent' ? branchChanges(one, other, at, direction) : branchChanges(other, one, at, direction),
        )
        return found.reduce((best, changes) => (changes.length < best.length ? changes : best), found[0] ?? [])
      })
    } finally {
      if (named) open.delete(pair)
    }
  }
  return compare
}
