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

/** A fault as the validator reports it. */
interface Fault {
  readonly keyword: string
  readonly schemaPath: string
  readonly instancePath: string
  readonly message: string
  readonly params: object
}

/** Names that the object schema at `path` (`#/properties/budget/anyOf/0`) knows. */
const propertyNames = (schema: TSchema, path: string): string[] => {
  let at: unknown = schema
  for (const step of path.split('/').slice(1)) at = (at as Record<string, unknown>)[step]
  return Object.keys((at as { properties?: object }).properties ?? {})
}

const depthOf = ({ instancePath, keyword }: Fault): number =>
  instancePath.split('/').length + (keyword === 'required' ? 1 : 0)

const isUnknownName = ({ keyword, schemaPath }: Fault): boolean =>
  keyword === 'boolean' && schemaPath.endsWith('/additionalProperties')

/**
 * The faults worth telling: a union's own says less than those of its branches, and of these the deepest belong to the
 * branch that was meant.
 */
const telling = (reported: readonly Fault[]): Fault[] => {
  // Sums up what was said of each unknown name.
  const faults = reported.filter(({ keyword }) => keyword !== 'additionalProperties')
  return faults.filter((fault) => {
    const { keyword, schemaPath } = fault
    if (keyword === 'anyOf') return !faults.some((other) => other.schemaPath.startsWith(`${schemaPath}/anyOf/`))
    const union = schemaPath.lastIndexOf('/anyOf/')
    if (union === -1) return true
    const branches = schemaPath.slice(0, union + '/anyOf/'.length)
    return !faults.some((other) => other.schemaPath.startsWith(branches) && depthOf(other) > depthOf(fault))
  })
}

/** `budget.limit_usd` of a JSON pointer's steps. */
const locate = (steps: readonly string[]): string =>
  steps.map((step) => (step === '' ? '""' : step.slice(0, MOST_NAME_CHARACTERS))).join('.')

const detailsOf = (fault: Fault, schema: TSchema): ErrorDetail[] => {
  const steps = fault.instancePath.split('/').slice(1)
  const decoded = steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (isUnknownName(fault)) {
    const known = propertyNames(schema, fault.schemaPath.slice(0, -'/additionalProperties'.length))
    const nearest = nearestName(decoded.at(-1) ?? '', known)
    const fix = nearest === undefined ? 'Leave it out.' : `Did you mean "${nearest}"?`
    return [{ location: locate(decoded), message: 'is not known here', fix }]
  }
  const { requiredProperties, allowedValues } = fault.params as Record<string, readonly string[] | undefined>
  if (requiredProperties) {
    return requiredProperties.map((name) => ({ location: locate([...decoded, name]), message: 'is required' }))
  }
  return [
    {
      location: decoded.length === 0 ? 'body' : locate(decoded),
      message: fault.message,
      ...(allowedValues && { fix: `Write one of: ${allowedValues.join(', ')}.` }),
    },
  ]
}

/**
 * Compiles a schema into a check.
 * @throws AppError (from the check) `unknown_parameter` or `invalid_parameter` with every fault in `details`.
 */
export const compileCheck = (schema: TSchema): SchemaCheck => {
  const validator = Compile(schema)
  return (value) => {
    if (validator.Check(value)) return value
    const faults = telling(validator.Errors(value) as readonly Fault[])
    const details = faults.flatMap((fault) => detailsOf(fault, schema)).slice(0, MOST_DETAILS)
    const unknown = faults.length > 0 && faults.every(isUnknownName)
    const detail = details
      .map(({ location, message, fix }) => `${location} ${message}${fix ? `. ${fix}` : ''}`)
      .join('; ')
    throw new AppError(unknown ? 'unknown_parameter' : 'invalid_parameter', { detail, details })
  }
}
