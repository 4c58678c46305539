import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { breakingChanges, mayBreak } from './api-changes.ts'
import { compatibilityProblems, documentPath, lintProblems } from './check-openapi.ts'

// Tests reach into the document wherever they please.
// oxlint-disable-next-line typescript/no-explicit-any -- a JSON document without a type of its own
type Json = any

const text = readFileSync(new URL(`../${documentPath}`, import.meta.url), 'utf8')
const released = JSON.parse(text) as Json
const changed = (change: (document: Json) => void): Json => {
  const document = JSON.parse(text) as Json
  change(document)
  return document
}
const changes = (change: (document: Json) => void) => breakingChanges(released, changed(change))
const keys = (document: Json) => document.paths['/admin/v1/keys']
const schema = (document: Json, name: string) => document.components.schemas[name]
const drop = (list: unknown[], one: unknown) => list.splice(list.indexOf(one), 1)

describe('a breach', () => {
  const planted: [what: string, plant: (document: Json) => void, told: RegExp][] = [
    ['a route removed', (all) => delete all.paths['/v1/usage'], /^GET \/v1\/usage: removed$/],
    ['a method removed', (all) => delete keys(all).post, /^POST \/admin\/v1\/keys: removed$/],
    ['an operation renamed', (all) => (keys(all).get.operationId = 'keys'), /operationId is now "keys"$/],
    ['a field of an answer removed', (all) => delete schema(all, 'Key').properties.state, /data\[\]\.state: removed$/],
    [
      'a field of a request removed',
      (all) => delete schema(all, 'CreateKey').properties.tier,
      /sent body\.tier: removed$/,
    ],
    [
      'a field inside allOf removed',
      (all) => delete schema(all, 'KeyWithSecret').allOf[1].properties.key,
      /body\.key: removed$/,
    ],
    [
      'an answer that may lack a field',
      (all) => drop(schema(all, 'UsageRow').required, 'cost_usd'),
      /data\[\]\.cost_usd: no longer always there$/,
    ],
    [
      'a required field new in a request',
      (all) => {
        schema(all, 'CreateProject').properties.owner = { type: 'string' }
        schema(all, 'CreateProject').required.push('owner')
      },
      /sent body\.owner: now required$/,
    ],
    [
      'a field of a request required',
      (all) => schema(all, 'CreateProject').required.push('id'),
      /sent body\.id: now required$/,
    ],
    [
      'a value of a request removed',
      (all) => drop(schema(all, 'BudgetInput').properties.window.enum, 'hour'),
      /budget\.window: "hour" is no longer one of its values$/,
    ],
    [
      'a value of an answer removed',
      (all) => drop(schema(all, 'UsageRow').properties.outcome.enum, 'killed'),
      /"killed" is no longer one of its values$/,
    ],
    [
      'a value of a query removed',
      (all) => drop(all.paths['/admin/v1/usage'].get.parameters[0].schema.enum, 'day'),
      /query group_by: "day" is no longer/,
    ],
    [
      'a type of a request narrowed',
      (all) => (schema(all, 'CreateKey').properties.name.maxLength = 20),
      /body\.name: maxLength is now 20, was 200$/,
    ],
    [
      'a union of a request narrowed',
      (all) => schema(all, 'CreateKey').properties.budget.anyOf.pop(),
      /body\.budget: type is now object, was null$/,
    ],
    [
      'a type of an answer changed',
      (all) => (schema(all, 'UsageRow').properties.cost_usd = { type: 'number' }),
      /cost_usd: type is now number, was string$/,
    ],
    [
      'an answer that may be null',
      (all) => (schema(all, 'Key').properties.name = { anyOf: [{ type: 'string' }, { type: 'null' }] }),
      /\.name: type is now null, was string$/,
    ],
    ['unknown members refused', (all) => (schema(all, 'ChatRequest').additionalProperties = false), /now refused$/],
    ['a pattern changed', (all) => (keys(all).get.parameters[0].schema.pattern = '^x$'), /query limit: pattern is now/],
    ['a parameter removed', (all) => keys(all).get.parameters.shift(), /query limit: removed$/],
    ['a parameter required', (all) => (keys(all).get.parameters[0].required = true), /query limit: now required$/],
    [
      'a parameter new and required',
      (all) => keys(all).get.parameters.push({ name: 'x', in: 'query', required: true, schema: {} }),
      /query x: new and required$/,
    ],
    [
      'a status changed',
      (all) => {
        keys(all).post.responses['200'] = keys(all).post.responses['201']
        delete keys(all).post.responses['201']
      },
      /answered 201: no longer answered$/,
    ],
    [
      'a stream no longer offered',
      (all) => delete all.paths['/v1/chat/completions'].post.responses['200'].content['text/event-stream'],
      /answered 200 text\/event-stream: removed$/,
    ],
    [
      'a header of an answer removed',
      (all) => delete all.paths['/v1/chat/completions'].post.responses['200'].headers['x-headgate-cost-usd'],
      /header x-headgate-cost-usd removed$/,
    ],
    [
      'an error at another status',
      (all) => {
        const { responses } = keys(all).post
        responses['422'] = responses['413']
        delete responses['413']
      },
      /request_too_large is now 422, was 413$/,
    ],
    [
      'an error code removed from the catalogue',
      (all) => drop(schema(all, 'InnerError').properties.code.enum, 'bad_http'),
      /^every error\.error\.code: "bad_http" is no longer/,
    ],
    [
      'a field of every error removed',
      (all) => delete schema(all, 'Error').properties.detail,
      /^every error\.detail: removed$/,
    ],
    [
      'a key now asked for',
      (all) => (all.paths['/livez'].get.security = [{ adminKey: [] }]),
      /livez: now asks for a key$/,
    ],
    [
      'a kind of key no longer taken',
      (all) => all.paths['/v1/models'].get.security.splice(1, 1),
      /models: publishableKey removed$/,
    ],
  ]
  it.each(planted)('is %s', (_what, plant, told) => {
    const found = changes(plant)
    expect(
      found.some((change) => told.test(change)),
      found.join('\n'),
    ).toBe(true)
  })

  it('fails the check of the same version and of a later patch, and not of a version that may break', () => {
    const at = (version: string) =>
      changed((all) => {
        all.info.version = version
        delete all.paths['/v1/usage']
      })
    const from = (version: string) => changed((all) => (all.info.version = version))
    expect(compatibilityProblems(from('1.2.3'), at('1.2.3'))).toHaveLength(1)
    expect(compatibilityProblems(from('1.2.3'), at('1.3.0'))).toHaveLength(1)
    expect(compatibilityProblems(from('1.2.3'), at('2.0.0'))).toEqual([])
    expect(compatibilityProblems(from('0.1.0'), at('0.1.1'))).toHaveLength(1)
    expect(compatibilityProblems(from('0.1.0'), at('0.2.0'))).toEqual([])
  })
})

describe('no breach', () => {
  const allowed: [what: string, change: (document: Json) => void][] = [
    ['nothing', () => {}],
    ['a new route', (all) => (all.paths['/v1/new'] = all.paths['/v1/models'])],
    ['a new optional field of a request', (all) => (schema(all, 'CreateKey').properties.note = { type: 'string' })],
    [
      'a new field of an answer',
      (all) => {
        schema(all, 'UsageRow').properties.region = { type: 'string' }
        schema(all, 'UsageRow').required.push('region')
      },
    ],
    ['a new optional parameter', (all) => keys(all).get.parameters.push({ name: 'x', in: 'query', schema: {} })],
    ['a new value', (all) => schema(all, 'UsageRow').properties.outcome.enum.push('paused')],
    ['a wider limit', (all) => (schema(all, 'CreateKey').properties.name.maxLength = 400)],
    [
      'an answer that is never null any more',
      (all) => (schema(all, 'Key').properties.models = { type: 'array', items: { type: 'string' } }),
    ],
    [
      'a request that may be null',
      (all) => (schema(all, 'CreateProject').properties.id = { anyOf: [{ type: 'string' }, { type: 'null' }] }),
    ],
    ['other words', (all) => (keys(all).get.summary = 'Other words.')],
    [
      'a parameter of the path by another name',
      (all) => {
        all.paths['/v1/usage/{id}'] = all.paths['/v1/usage/{request_id}']
        delete all.paths['/v1/usage/{request_id}']
      },
    ],
    ['a new error code of a route', (all) => (keys(all).get.responses['404'] = keys(all).get.responses['500'])],
  ]
  it.each(allowed)('is %s', (_what, change) => {
    expect(changes(change)).toEqual([])
  })
})

it('a version may break by its major, before 1.0 by its minor', () => {
  const cases: [string, string, boolean][] = [
    ['1.0.0', '2.0.0', true],
    ['1.0.0', '1.9.0', false],
    ['0.1.0', '0.2.0', true],
    ['0.1.0', '0.1.9', false],
    ['0.9.0', '1.0.0', true],
    ['1.2.0', '0.3.0', false],
  ]
  for (const [was, is, may] of cases) expect(mayBreak(was, is), `${was} to ${is}`).toBe(may)
})

describe('the lint', () => {
  const faults: [what: string, plant: (document: Json) => void, rule: string][] = [
    ['an operation without a name', (all) => delete keys(all).get.operationId, 'operation-operationId'],
    [
      'an example that is no example',
      (all) => (schema(all, 'Key').examples = [{ id: 7 }]),
      'no-invalid-schema-examples',
    ],
    [
      'a component that nothing uses',
      (all) => (all.components.schemas.Lost = { type: 'string' }),
      'no-unused-components',
    ],
    [
      'a reference that leads nowhere',
      (all) => (keys(all).get.responses['404'] = { $ref: '#/nowhere' }),
      'no-unresolved-refs',
    ],
    [
      'a path without its parameter',
      (all) => (all.paths['/v1/{x}'] = { get: { ...keys(all).get, operationId: 'x' } }),
      'path-parameters-defined',
    ],
  ]
  it.each(faults)('finds %s', async (_what, plant, rule) => {
    const found = await lintProblems(JSON.stringify(changed(plant)))
    expect(
      found.some((problem) => problem.endsWith(`(${rule})`)),
      found.join('\n'),
    ).toBe(true)
  })

  it('finds nothing in the document', async () => {
    expect(await lintProblems(text)).toEqual([])
  })
})
