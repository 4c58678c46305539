import fc from 'fast-check'
import { bends, textBends } from './bend.ts'
import type { ApiDocument, Operation, Parameter } from './document.ts'
import { createValues, oddTexts } from './schema-values.ts'

/** One request of the fuzz. */
export interface FuzzRequest {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | null
}

/** Keys and ids that mean something in the house that is asked. */
export interface World {
  readonly keys: Readonly<Record<'secretKey' | 'publishableKey' | 'adminKey' | 'revoked', string>>
  readonly origin: string
  readonly keyIds: readonly string[]
  readonly requestIds: readonly string[]
  /** Kept responses; some are deleted on the way. */
  readonly responseIds: readonly string[]
  readonly fileIds: readonly string[]
  readonly batchIds: readonly string[]
  readonly erasureIds: readonly string[]
  readonly privacyRequestIds: readonly string[]
  readonly breachIds: readonly string[]
  readonly holdIds: readonly string[]
  /** Conversations, and messages of the first of them. */
  readonly conversationIds: readonly string[]
  readonly messageIds: readonly string[]
  readonly memoryIds: readonly string[]
  readonly assetIds: readonly string[]
  readonly uploadIds: readonly string[]
  readonly projects: readonly string[]
  /** Operators, and sessions of theirs. */
  readonly operatorIds: readonly string[]
  readonly sessionIds: readonly string[]
  readonly providerUrl: string
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']
const models = [
  'up/gpt-4o-mini;parts=2',
  'gpt-4o-mini',
  'demo/demo',
  'up/no-such;status=404',
  'nobody/none',
  '__proto__',
  '',
]
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed())
/** What a header may hold on its way through Node.js; anything else is sent over bare sockets by the tests beside. */
const headerText = oddTexts.map((text) =>
  Buffer.from(text)
    .toString('latin1')
    .replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
    .slice(0, 3_000),
)

/** Requests of every operation: mostly as the document says, then bent in one or more ways. */
export const createRequests = (document: ApiDocument, world: World): fc.Arbitrary<FuzzRequest> => {
  const named = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...models) },
    { weight: 1, arbitrary: fc.constant('up/gpt-4o-mini') },
  )
  const values = createValues(document, {
    model: named,
    project: fc.constantFrom(...world.projects, 'nobody'),
    n: fc.constantFrom(null, 1, 2, 5),
    max_tokens: fc.constantFrom(null, 1, 100),
    tier: fc.constantFrom('internal', 'free', 'nobody'),
    state: fc.constantFrom('active', 'suspended', 'deactivated'),
    expires_at: fc.constantFrom(null, '2999-01-01T00:00:00Z', '2026-02-30T25:00:00Z'),
    origins: fc.constantFrom([world.origin], ['*'], []),
    key_id: fc.constantFrom(...world.keyIds),
    operator: fc.constantFrom(...world.operatorIds),
    // Few, so that providers made by one request are met by another.
    name: fc.constantFrom('fuzz-a', 'fuzz-b', 'A name'),
    // What shuts the door or uses a limit up would end the fuzz: tests of the limits do that.
    default: fc.constant('allow'),
    allow: fc.constantFrom([], ['198.51.100.0/24'], ['not an address']),
    deny: fc.constantFrom([], ['203.0.113.0/24']),
    deny_countries: fc.constantFrom([], ['XA']),
    allow_countries: fc.constantFrom([], ['unknown', 'NO']),
    // The keys that ask would be gone.
    accept_loss: fc.constant(false),
    limit: fc.constantFrom(1_000_000_000, 999_999_999),
    limit_usd: fc.constantFrom('1000000', '999999.5'),
    // Nothing that is asked for here leads away from this machine.
    base_url: fc.constantFrom(`${world.providerUrl}/v1`, 'http://127.0.0.1:9/v1', 'ftp://nowhere'),
  })
  const ids: Readonly<Record<string, readonly string[]>> = {
    model: models,
    id: [...world.keyIds, ...world.requestIds, ...world.operatorIds, ...world.sessionIds],
    project: world.projects,
    request_id: world.requestIds,
    response_id: world.responseIds,
    file_id: world.fileIds,
    batch_id: world.batchIds,
    erasure_id: world.erasureIds,
    hold_id: world.holdIds,
    breach_id: world.breachIds,
    privacy_request_id: world.privacyRequestIds,
    session_id: world.conversationIds,
    message_id: world.messageIds,
    memory_id: world.memoryIds,
    asset_id: world.assetIds,
    upload_id: world.uploadIds,
    name: ['up', 'fuzz-a', 'fuzz-b'],
    seq: ['1', '2', '999999'],
    generation: ['1', '2', '99'],
    version: ['1', '2', '99'],
  }

  const pathValue = ({ name, schema }: Parameter): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...(ids[name] ?? ['x'])) },
      { weight: 1, arbitrary: values(schema).map(String) },
      { weight: 2, arbitrary: oddTexts.map((text) => text.slice(0, 600)) },
    )
  const targets = ({ path, parameters }: Operation): fc.Arbitrary<string> => {
    const inPath = parameters.filter((one) => one.in === 'path')
    const inQuery = parameters.filter((one) => one.in === 'query')
    const query = inQuery.map((one) =>
      fc
        .option(
          fc.oneof({ weight: 3, arbitrary: values(one.schema).map(String) }, { weight: 1, arbitrary: oddTexts }),
          {
            freq: 1,
          },
        )
        .map((value) => (value === null ? [] : [`${one.name}=${encoded(value.slice(0, 3_000))}`])),
    )
    const unknown = oddTexts.map((text) => `${encoded(text.slice(0, 100))}=${encoded(text.slice(0, 100))}`)
    const extra = fc.oneof({ weight: 15, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: unknown })
    return fc
      .tuple(fc.tuple(...inPath.map(pathValue)), fc.tuple(...query), extra, fc.integer({ min: 0, max: 9 }))
      .map(([names, parts, more, bare]) => {
        const filled = inPath.reduce(
          (text, { name }, index) => text.replace(`{${name}}`, encoded(names[index] as string)),
          path,
        )
        const all = [...parts.flat(), ...(more === null ? [] : [more])]
        const short = bare === 0 && filled.startsWith('/v1/') ? filled.slice(3) : filled
        return all.length > 0 ? `${short}?${all.join('&')}` : short
      })
  }

  const bodies = ({ body }: Operation): fc.Arbitrary<Buffer | null> => {
    if (body === undefined)
      return fc.oneof(
        { weight: 15, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.constant(Buffer.from('{}')) },
      )
    const valid = values(body)
    const text = (value: unknown): string => JSON.stringify(value) ?? ''
    const bent = fc
      .tuple(valid, fc.array(bends, { minLength: 1, maxLength: 3 }))
      .map(([value, steps]) => Buffer.from(text(steps.reduce((sum, step) => step(sum), value))))
    const torn = fc.tuple(valid, textBends).map(([value, bend]) => bend(text(value)))
    return fc.oneof(
      { weight: 4, arbitrary: valid.map((value) => Buffer.from(text(value))) },
      { weight: 4, arbitrary: bent },
      { weight: 2, arbitrary: torn },
    )
  }

  const credentials = ({ security }: Operation): fc.Arbitrary<Record<string, string>> => {
    const { keys } = world
    const right = security.includes('adminKey') ? keys.adminKey : keys.secretKey
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
    return fc.oneof(
      { weight: 12, arbitrary: fc.constant(bearer(right)) },
      { weight: 2, arbitrary: fc.constant({ 'x-api-key': right }) },
      { weight: 3, arbitrary: fc.constant({ ...bearer(keys.publishableKey), origin: world.origin }) },
      { weight: 1, arbitrary: fc.constantFrom({}, ...Object.values(keys).map(bearer)) },
      { weight: 1, arbitrary: headerText.map((text) => ({ authorization: text })) },
    )
  }

  const tricks: fc.Arbitrary<Record<string, string>> = fc.oneof(
    { weight: 8, arbitrary: fc.constant({}) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Record<string, string>>(
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/json; charset=utf-16' },
        { 'content-type': 'application/problem+json' },
        { 'content-encoding': 'gzip' },
        { 'content-encoding': 'identity' },
        { accept: 'text/html' },
        { 'if-none-match': '*' },
        { 'x-http-method-override': 'DELETE' },
        { 'x-original-url': '/admin/v1/keys' },
        { forwarded: 'for=127.0.0.1', 'x-forwarded-host': 'evil.example' },
        { origin: 'null' },
        { range: 'bytes=0-10' },
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom('x-request-id', 'x-headgate-user', 'x-forwarded-for', 'cookie', 'accept', 'user-agent'),
          headerText,
        )
        .map(([name, text]) => ({ [name]: text })),
    },
  )

  const declared = fc.constantFrom(...document.operations).chain((operation) =>
    fc.record({
      method: fc.oneof(
        { weight: 14, arbitrary: fc.constant(operation.method) },
        { weight: 1, arbitrary: fc.constantFrom(...methods) },
      ),
      target: targets(operation),
      headers: fc
        .tuple(credentials(operation), tricks)
        .map(([credential, trick]) => ({ 'content-type': 'application/json', ...credential, ...trick })),
      body: bodies(operation),
    }),
  )
  const lost = fc.record({
    method: fc.constantFrom(...methods),
    target: fc
      .array(
        fc.oneof(
          fc.constantFrom('v1', 'admin', 'keys', 'chat', 'docs', 'assets', '..', '.', '', '%2e%2e'),
          oddTexts.map((text) => encoded(text.slice(0, 200))),
        ),
        { maxLength: 5 },
      )
      .map((steps) => `/${steps.join('/')}`),
    headers: tricks,
    body: fc.constant(null),
  })
  return fc.oneof({ weight: 12, arbitrary: declared }, { weight: 1, arbitrary: lost })
}
