import type { ErrorDetail } from '@headgate/contract/errors/body.ts'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { AppError } from '../kernel/errors.ts'
import { nearestName } from '../kernel/nearest.ts'

/** Most faults that one answer lists. */
const MOST_DETAILS = 20
/** Of a name that is told back. */
const MOST_NAME_CHARACTERS = 64

/** Checks a value against a schema and hands it back typed by it. */
export type SchemaCheck = (value: unknown) => unknown

const propertyNames = (schema: unknown): string[] => {
  const properties = (schema as { properties?: Record<string, unknown> }).properties
  return properties ? Object.keys(properties) : []
}

const detailOf = (
  fault: { keyword: string; instancePath: string; message: string; params: object },
  schema: TSchema,
): ErrorDetail[] => {
  const location = fault.instancePath.slice(1).replaceAll('/', '.')
  const at = (name: string) => {
    const shown = name === '' ? '""' : name
    return location === '' ? shown : `${location}.${shown}`
  }
  if (fault.keyword === 'additionalProperties') {
    const { additionalProperties = [] } = fault.params as { additionalProperties?: string[] }
    return additionalProperties.slice(0, MOST_DETAILS).map((long) => {
      const name = long.slice(0, MOST_NAME_CHARACTERS)
      const nearest = nearestName(name, propertyNames(schema))
      const fix = nearest === undefined ? 'Leave it out.' : `Did you mean "${nearest}"?`
      return { location: at(name), message: 'is not known here', fix }
    })
  }
  if (fault.keyword === 'required') {
    const { requiredProperties = [] } = fault.params as { requiredProperties?: string[] }
    return requiredProperties.map((name) => ({ location: at(name), message: 'is required' }))
  }
  return [{ location: location === '' ? 'body' : location, message: fault.message }]
}

/**
 * Compiles a schema into a check.
 * @throws AppError (from the check) `unknown_parameter` or `invalid_parameter` with every fault in `details`.
 */
export const compileCheck = (schema: TSchema): SchemaCheck => {
  const validator = Compile(schema)
  return (value) => {
    if (validator.Check(value)) return value
    const faults = validator.Errors(value)
    const details = faults.flatMap((fault) => detailOf(fault, schema)).slice(0, MOST_DETAILS)
    const unknown = faults.length > 0 && faults.every((fault) => fault.keyword === 'additionalProperties')
    const detail = details
      .map(({ location, message, fix }) => `${location} ${message}${fix ? `. ${fix}` : ''}`)
      .join('; ')
    throw new AppError(unknown ? 'unknown_parameter' : 'invalid_parameter', { detail, details })
  }
}
