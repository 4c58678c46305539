/** What is known of a table of the house: its columns by what they hold. */
export interface KnownTable {
  readonly columns: Readonly<Partial<Record<string, readonly string[]>>>
}

/** A column as the database has it. */
export interface TypedColumn {
  readonly name: string
  readonly type: string
}

type Rule = Readonly<Record<string, string>>

const nothing = (type: string): Rule => {
  if (type.endsWith('[]') || type === 'jsonb' || type === 'json') return { operator: 'replace', new_value: '{}' }
  if (/^(?:integer|bigint|smallint|numeric|double precision|real)$/.test(type))
    return { operator: 'replace', new_value: '0' }
  return { operator: 'redact' }
}

const unnamed = (type: string): Rule => {
  if (type === 'uuid') return { operator: 'pseudonym', kind: 'uuid', key: 'people' }
  return type === 'text' || type.startsWith('character')
    ? { operator: 'pseudonym', key: 'people', space: 'people' }
    : nothing(type)
}

/**
 * A policy for the house’s own tables by its data map: who somebody is becomes a pseudonym, the same in every table; what was said or is secret
 * goes; what was done, and when, stays. Null for a table that has columns which prove who asks: without them it is worth nothing.
 */
export const policyOfMap = (
  table: KnownTable,
  columns: readonly TypedColumn[],
): Readonly<Record<string, Rule>> | null => {
  const kindOf = (name: string) => Object.keys(table.columns).find((kind) => table.columns[kind]?.includes(name))
  if (columns.some(({ name }) => kindOf(name) === 'secret')) return null
  return Object.fromEntries(
    columns.map(({ name, type }) => {
      const kind = kindOf(name)
      if (kind === 'technical' || kind === 'usage') return [name, { operator: 'keep' }]
      return [name, kind === 'person' || kind === 'operator' ? unnamed(type) : nothing(type)]
    }),
  )
}
