import { createSchemaComparison, type Members, resolve } from './schema-changes.ts'

type Operations = ReadonlyMap<string, Members>
interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema?: unknown
}

const methods = new Set(['get', 'post', 'put', 'patch', 'delete', 'head', 'options'])
const members = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {})
const list = <Item>(value: unknown): readonly Item[] => (Array.isArray(value) ? (value as Item[]) : [])

/** By method and path; what the parameters of a path are called makes no difference. */
const operationsOf = (document: Members): Operations =>
  new Map(
    Object.entries(members(document['paths'])).flatMap(([path, item]) =>
      Object.entries(members(item)).flatMap(([method, operation]) =>
        methods.has(method)
          ? [[`${method.toUpperCase()} ${path.replace(/\{[^}]+\}/g, '{}')}`, members(operation)] as const]
          : [],
      ),
    ),
  )

const isError = (status: string): boolean => Number(status) >= 400

/** The error codes of an operation, with the status of each. */
const codesOf = (document: Members, operation: Members): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(members(operation['responses'])).flatMap(([status, answer]) => {
      const content = members(members(resolve(document, answer)['content'])['application/json'])
      return isError(status) ? Object.keys(members(content['examples'])).map((code) => [code, status] as const) : []
    }),
  )

/** Whether a version may break what the released one promised: a higher major, or before 1.0 a higher minor. */
export const mayBreak = (released: string, current: string): boolean => {
  const [wasMajor = 0, wasMinor = 0] = released.split('.').map(Number)
  const [major = 0, minor = 0] = current.split('.').map(Number)
  return major > wasMajor || (major === 0 && wasMajor === 0 && minor > wasMinor)
}

/**
 * What in `current` breaks callers of `released`, in words that begin with the place. New routes, optional members, headers,
 * error codes and values of what is answered are no breach: the document says so to callers.
 */
export const breakingChanges = (released: Members, current: Members): string[] => {
  const compare = createSchemaComparison(released, current)

  const parametersOf = (document: Members, operation: Members): ReadonlyMap<string, Parameter> =>
    new Map(
      list<unknown>(operation['parameters'])
        .map((parameter) => resolve(document, parameter) as unknown as Parameter)
        .filter((parameter) => parameter.in !== 'path')
        .map((parameter) => [`${parameter.in} ${parameter.name}`, parameter]),
    )

  const parameterChanges = (was: Members, is: Members, at: string): string[] => {
    const [before, after] = [parametersOf(released, was), parametersOf(current, is)]
    const kept = [...before].flatMap(([name, parameter]) => {
      const other = after.get(name)
      if (!other) return [`${at} ${name}: removed`]
      const now = other.required === true && parameter.required !== true ? [`${at} ${name}: now required`] : []
      return [...now, ...compare(parameter.schema, other.schema, `${at} ${name}`, 'sent')]
    })
    const added = [...after].flatMap(([name, parameter]) =>
      parameter.required === true && !before.has(name) ? [`${at} ${name}: new and required`] : [],
    )
    return [...kept, ...added]
  }

  const contentChanges = (was: unknown, is: unknown, at: string, direction: 'sent' | 'answered'): string[] =>
    Object.entries(members(was)).flatMap(([type, media]) => {
      const other = members(is)[type]
      if (other === undefined) return [`${at} ${type}: removed`]
      return compare(members(media)['schema'], members(other)['schema'], `${at} body`, direction)
    })

  const bodyChanges = (was: Members, is: Members, at: string): string[] => {
    const [before, after] = [resolve(released, was['requestBody']), resolve(current, is['requestBody'])]
    if (after['required'] === true && before['required'] !== true) return [`${at}: a body is now required`]
    if (!was['requestBody']) return []
    return contentChanges(before['content'], after['content'], at, 'sent')
  }

  const answerChanges = (was: Members, is: Members, at: string): string[] => {
    const [before, after] = [members(was['responses']), members(is['responses'])]
    const answers = Object.entries(before).flatMap(([status, answer]) => {
      if (isError(status) && !(status in after)) return []
      if (!(status in after)) return [`${at} ${status}: no longer answered`]
      const [one, other] = [resolve(released, answer), resolve(current, after[status])]
      const headers = Object.keys(members(one['headers'])).filter((name) => !(name in members(other['headers'])))
      return [
        ...headers.map((name) => `${at} ${status}: header ${name} removed`),
        // Which codes an error status may carry is compared below, by code.
        ...(isError(status) && 'examples' in members(members(one['content'])['application/json'])
          ? []
          : contentChanges(one['content'], other['content'], `${at} ${status}`, 'answered')),
      ]
    })
    const added = Object.keys(after).filter((status) => !isError(status) && Number(status) < 300 && !(status in before))
    const codes = codesOf(current, is)
    const moved = [...codesOf(released, was)].flatMap(([code, status]) => {
      const now = codes.get(code)
      return now === undefined || now === status ? [] : [`${at}: ${code} is now ${now}, was ${status}`]
    })
    return [...answers, ...added.map((status) => `${at} ${status}: a new answer where all went well`), ...moved]
  }

  const securityChanges = (was: Members, is: Members, at: string): string[] => {
    const names = (operation: Members) => list<Members>(operation['security']).map((one) => Object.keys(one).join('+'))
    const [before, after] = [names(was), names(is)]
    if (before.length === 0 && after.length > 0) return [`${at}: now asks for a key`]
    return after.length === 0 ? [] : before.filter((one) => !after.includes(one)).map((one) => `${at}: ${one} removed`)
  }

  const after = operationsOf(current)
  const operations = [...operationsOf(released)].flatMap(([at, was]) => {
    const is = after.get(at)
    if (!is) return [`${at}: removed`]
    const name =
      was['operationId'] === is['operationId'] ? [] : [`${at}: operationId is now ${JSON.stringify(is['operationId'])}`]
    return [
      ...name,
      ...securityChanges(was, is, at),
      ...parameterChanges(was, is, at),
      ...bodyChanges(was, is, `${at} sent`),
      ...answerChanges(was, is, `${at} answered`),
    ]
  })
  const shared = compare(
    { $ref: '#/components/schemas/Error' },
    { $ref: '#/components/schemas/Error' },
    'every error',
    'answered',
  )
  return [...operations, ...shared]
}
