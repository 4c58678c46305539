import { type Static, type TSchema, Type } from 'typebox'

/** The currency in which amounts are shown beside USD, and the rate by which they are. */
export const ShownCurrencySchema = Type.Object(
  {
    code: Type.String({ description: 'ISO 4217.' }),
    rate: Type.String({ description: 'Units of it for one USD.' }),
    rate_date: Type.String({ description: 'From when on this rate holds.' }),
  },
  {
    additionalProperties: false,
    title: 'ShownCurrency',
    description: 'Present where a currency is configured: members that end in `_display` are amounts of it.',
  },
)
export type ShownCurrency = Static<typeof ShownCurrencySchema>

const AMOUNT = /_usd$/

/** Name of the member that shows an amount of USD in the configured currency; null for members that are no amount. */
export const displayName = (name: string): string | null =>
  AMOUNT.test(name) ? name.replace(AMOUNT, '_display') : null

/** What somebody set stays as it was set. */
export const isAsSet = (name: string): boolean => name === 'rule' || name === 'policy'

const display = Type.Optional(
  Type.Union([Type.String(), Type.Null()], { description: 'The same in the configured currency.' }),
)

type Members = Readonly<Record<string, unknown>>
const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Whether an answer of this schema tells amounts of USD. */
export const tellsAmounts = (schema: unknown): boolean => {
  if (!isMembers(schema)) return false
  const { properties, items, anyOf, allOf } = schema
  const below = [...listOf(anyOf), ...listOf(allOf), items]
  const members = isMembers(properties) ? Object.entries(properties) : []
  return (
    members.some(([name, one]) => displayName(name) !== null || (!isAsSet(name) && tellsAmounts(one))) ||
    below.some(tellsAmounts)
  )
}

const currency = Type.Optional(ShownCurrencySchema)

const extend = (schema: unknown): unknown => {
  if (!isMembers(schema) || !tellsAmounts(schema)) return schema
  const { properties, items, anyOf, allOf, ...rest } = schema
  const extended = isMembers(properties)
    ? Object.fromEntries(
        Object.entries(properties).flatMap(([name, one]) => {
          const shown = displayName(name)
          const member = [name, isAsSet(name) ? one : extend(one)]
          return shown === null ? [member] : [member, [shown, display]]
        }),
      )
    : undefined
  return {
    ...rest,
    // Told once, by the outermost; a schema has one shape wherever it stands.
    ...(extended && { properties: { ...extended, currency } }),
    ...(items !== undefined && { items: extend(items) }),
    ...(Array.isArray(anyOf) && { anyOf: anyOf.map(extend) }),
    ...(Array.isArray(allOf) && { allOf: allOf.map(extend) }),
  }
}

/** The schema of an answer whose amounts are shown in the configured currency too. */
export const withDisplay = (schema: TSchema): TSchema => extend(schema) as TSchema
