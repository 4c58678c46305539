/** A JSON object. */
export type Members = Readonly<Record<string, unknown>>

/** An operation of the document, with what its requests and answers are made of. */
export interface Operation {
  readonly operationId: string
  readonly method: string
  /** With `{name}` for parameters. */
  readonly path: string
  readonly parameters: readonly Parameter[]
  /** Schema of the JSON body, if it takes one. */
  readonly body: unknown
  readonly security: readonly string[]
  readonly responses: Members
}

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly schema: Members
  readonly example?: unknown
}

/** An OpenAPI document, read for testing. */
export interface ApiDocument {
  readonly operations: readonly Operation[]
  /** Follows references into the document. */
  readonly resolve: (value: unknown) => Members
  /** The components, for schemas that refer to them. */
  readonly components: Members
  /** The operation that a request reaches: its method or, for `HEAD`, that of `GET`; routes of `/v1` also without it. */
  readonly find: (method: string, target: string) => Operation | undefined
}

export const members = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {}

/** Reads a document as `GET /openapi.json` answers it. */
export const readDocument = (document: Members): ApiDocument => {
  const resolve = (value: unknown): Members => {
    const { $ref } = members(value)
    if (typeof $ref !== 'string') return members(value)
    let at: unknown = document
    for (const step of $ref.slice(2).split('/')) at = members(at)[step]
    return resolve(at)
  }
  const operations = Object.entries(members(document['paths'])).flatMap(([path, item]) =>
    Object.entries(members(item)).map(([method, value]): Operation => {
      const operation = members(value)
      const content = members(members(operation['requestBody'])['content'])
      return {
        operationId: String(operation['operationId']),
        method: method.toUpperCase(),
        path,
        parameters: (operation['parameters'] as unknown[]).map(resolve) as unknown as Parameter[],
        body: members(content['application/json'])['schema'],
        security: (operation['security'] as Members[]).flatMap((one) => Object.keys(one)),
        responses: members(operation['responses']),
      }
    }),
  )
  // A path without parameters is meant before one with them (OpenAPI 3.1.1, Paths Object).
  const concreteFirst = [...operations].sort(
    (left, right) => left.path.split('{').length - right.path.split('{').length,
  )
  const patterns = concreteFirst.map((operation) => {
    const [, prefix = '', rest = ''] = /^(\/v1)?(.*)$/.exec(operation.path) ?? []
    // A model's name may hold slashes.
    const text = rest
      .replaceAll('.', '\\.')
      .replace('{model}', '.*')
      .replace(/\{[^}]+\}/g, '[^/]*')
    return {
      operation,
      pattern: new RegExp(`^${prefix ? (/^\/(assets|uploads)\b/.test(rest) ? prefix : '(/v1)?') : ''}${text}$`),
    }
  })
  return {
    operations,
    resolve,
    components: members(document['components']),
    find: (method, target) => {
      const path = target.split('?')[0] ?? ''
      const wanted = method === 'HEAD' ? 'GET' : method
      return patterns.find(({ operation, pattern }) => operation.method === wanted && pattern.test(path))?.operation
    },
  }
}
