import { header } from '@headgate/contract/headers.ts'
import { type ApiTag, apiTags } from '@headgate/contract/api-tags.ts'
import { ErrorSchema } from '@headgate/contract/errors/body.ts'
import type { TSchema } from 'typebox'
import { bodyLimit, type Route } from '../kernel/route.ts'
import { describeDeprecation } from './deprecation.ts'
import { createErrorWriter, type DescribedRoute } from './openapi-errors.ts'
import { isRepeatable } from './idempotency-key.ts'
import { headerComponents, headerReferences, limitHeaders, parameterComponents } from './openapi-headers.ts'
import { createSchemaWriter, type Members, type SchemaWriter } from './openapi-schemas.ts'

const description = `A self-hosted backend for AI apps: an OpenAI-compatible gateway, and the routes of its operator.

Routes under \`/v1\` can also be reached without that prefix, those of assets and uploads aside. What can be read can be asked for without its body (\`HEAD\`). Every
answer carries \`x-request-id\`; every error has one body, whose \`error.code\` says what went wrong and never changes its meaning. New
routes, members, headers and error codes may appear at any time: ignore what you do not know.`

const key = (whose: string) => ({ type: 'http', scheme: 'bearer', description: whose })
const securitySchemes = {
  secretKey: key('A secret API key (`hg_sk_…`), for servers.'),
  publishableKey: key('A publishable API key (`hg_pk_…`), for pages of its origins; takes some routes only.'),
  userToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'A token of an issuer that the project trusts; a publishable key stands beside it in `x-api-key`, or none.',
  },
  adminKey: key('The operator’s key, `admin_key` of the configuration.'),
  operatorSession: key(
    'The session of an operator (`hg_os_…`), whose role has the permission that the operation names.',
  ),
  keyHeader: {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
    description: 'Any of these keys without `Bearer`; `api-key` works too.',
  },
}

const securityOf = (route: DescribedRoute): readonly object[] => {
  if (route.access === 'public') return []
  if (route.access === 'admin') return [{ adminKey: [] }, { operatorSession: [] }, { keyHeader: [] }]
  return [
    { secretKey: [] },
    ...(route.browser === true ? [{ publishableKey: [] }] : []),
    ...(route.browser ? [{ userToken: [], keyHeader: [] }, { userToken: [] }] : []),
    { keyHeader: [] },
  ]
}

const propertiesOf = (schema: TSchema | undefined): [name: string, schema: TSchema][] =>
  Object.entries((schema as { properties?: Record<string, TSchema> } | undefined)?.properties ?? {})

/** `/v1/models/{model}` of `/v1/models/*`; a `*` has the name of the last parameter. */
const templateOf = ({ path, reference }: DescribedRoute): string =>
  path.replace(/:([^/]+)/g, '{$1}').replace(/\*$/, () => `{${propertiesOf(reference.params).at(-1)?.[0] ?? 'rest'}}`)

const parameter = (
  place: 'path' | 'query',
  name: string,
  schema: TSchema,
  schemas: SchemaWriter,
  required: boolean,
) => {
  const { description: words, examples, ...rest } = schemas.write(schema) as Members & { examples?: unknown[] }
  return {
    name,
    in: place,
    required,
    ...(words !== undefined && { description: words }),
    schema: rest,
    ...(examples && { example: examples[0] }),
  }
}

const parametersOf = (route: DescribedRoute, schemas: SchemaWriter): readonly object[] => {
  const { required = [] } = (route.query ?? {}) as { required?: readonly string[] }
  return [
    ...propertiesOf(route.reference.params).map(([name, schema]) => parameter('path', name, schema, schemas, true)),
    ...propertiesOf(route.query).map(([name, schema]) =>
      parameter('query', name, schema, schemas, required.includes(name)),
    ),
    { $ref: '#/components/parameters/RequestId' },
    ...(isRepeatable(route) ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(route.reference.answerHeaders?.includes(header.redacted) ? [{ $ref: '#/components/parameters/Safe' }] : []),
    ...(route.reference.answerHeaders?.includes(header.cache) ? [{ $ref: '#/components/parameters/Cache' }] : []),
    ...(route.reference.answerHeaders?.includes(header.provenance) &&
    route.reference.answerHeaders.includes(header.asset)
      ? [{ $ref: '#/components/parameters/Store' }]
      : []),
    ...(route.reference.answerHeaders?.includes(header.session) ? [{ $ref: '#/components/parameters/Session' }] : []),
    ...(route.access === 'caller'
      ? ['Tags', 'User', 'UserSignature'].map((name) => ({ $ref: `#/components/parameters/${name}` }))
      : []),
  ]
}

const bodyOf = (route: DescribedRoute, schemas: SchemaWriter): Members => {
  const schema = typeof route.body === 'string' ? route.reference.body : route.body
  if (!schema) return {}
  const examples = route.reference.bodyExamples
  const { bodyType = 'application/octet-stream' } = route.reference
  const type = route.body === 'stream' ? bodyType : route.body === 'form' ? 'multipart/form-data' : 'application/json'
  const content = { schema: schemas.write(schema), ...(examples && { examples }) }
  const most = bodyLimit(route)
  // As a number too, for who would rather know before than be refused.
  const description = `At most ${most} bytes; more is refused with 413 before it is read.`
  return { requestBody: { description, required: true, 'x-max-bytes': most, content: { [type]: content } } }
}

const answersOf = (route: DescribedRoute, schemas: SchemaWriter, errors: Members): Members => {
  const {
    answer,
    status = 200,
    contentType = 'application/json',
    events,
    otherAnswers = {},
    otherTypes = {},
  } = route.reference
  const limited = route.access === 'caller' && route.browser !== undefined ? limitHeaders : []
  const replayed = isRepeatable(route) ? [header.idempotentReplayed] : []
  const headers = {
    ...headerReferences(['x-request-id', ...limited, ...replayed, ...(route.reference.answerHeaders ?? [])]),
    ...describeDeprecation(route).headers,
  }
  const others = Object.entries(otherAnswers).map(([code, other]) => {
    const content = other.answer && { [contentType]: { schema: schemas.write(other.answer) } }
    return [code, { description: other.description, headers, ...(content && { content }) }]
  })
  const good = {
    description: 'All went well.',
    headers,
    content: {
      [contentType]: { schema: schemas.write(answer) },
      ...Object.fromEntries(
        Object.entries(otherTypes).map(([type, schema]) => [type, { schema: schemas.write(schema) }]),
      ),
      ...(events && { 'text/event-stream': { schema: schemas.write(events) } }),
    },
  }
  const clash = Object.keys(otherAnswers).find((code) => code in errors)
  if (clash) throw new Error(`${route.path} answers ${clash} both with an error and otherwise`)
  return { [status]: good, ...Object.fromEntries(others), ...errors }
}

const operationOf = (route: DescribedRoute, schemas: SchemaWriter, errors: Members): Members => {
  const { operationId, tag } = route.reference
  const words = [
    ...describeDeprecation(route).words,
    ...(route.reference.description ? [route.reference.description] : []),
  ]
  return {
    operationId,
    tags: [tag],
    summary: route.summary,
    ...(words.length > 0 && { description: words.join('\n\n') }),
    ...(route.deprecated && { deprecated: true }),
    ...(route.access === 'admin' && { 'x-permission': route.permission }),
    security: securityOf(route),
    parameters: parametersOf(route, schemas),
    ...bodyOf(route, schemas),
    responses: answersOf(route, schemas, errors),
  }
}

/** Writes the routes as an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1). @throws Error where two claim one name. */
export const describeRoutes = (routes: readonly Route[], version: string): Members => {
  const schemas = createSchemaWriter()
  schemas.write(ErrorSchema)
  const paths: Record<string, Members> = {}
  const operations = new Set<string>()
  const errors = createErrorWriter()
  const used = new Set<ApiTag>()
  const order = (route: Route) => `${route.path} ${route.method}`
  const described = routes.filter((route): route is DescribedRoute => route.reference !== null)
  for (const route of described.sort((left, right) => (order(left) < order(right) ? -1 : 1))) {
    const { operationId, tag } = route.reference
    if (operations.has(operationId)) throw new Error(`Two operations are called ${operationId}`)
    operations.add(operationId)
    used.add(tag)
    const path = templateOf(route)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, schemas, errors.answers(route)) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Headgate',
      version,
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The server that sent this.' }],
    tags: Object.entries(apiTags)
      .filter(([name]) => used.has(name as ApiTag))
      .map(([name, words]) => ({ name, description: words })),
    paths,
    components: {
      schemas: schemas.components(),
      headers: headerComponents(),
      parameters: parameterComponents(),
      responses: errors.responses(),
      examples: errors.examples(),
      securitySchemes,
    },
  }
}
