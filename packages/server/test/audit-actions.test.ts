import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type * as Server from '../src/http/server.ts'
import type { Route } from '../src/kernel/route.ts'
import { type House, startHouse } from './support/house.ts'

const mounted = vi.hoisted(() => ({ routes: [] as readonly Route[] }))
vi.mock('../src/http/server.ts', async (original) => {
  const real = await original<typeof Server>()
  return {
    ...real,
    createServer: (options: Parameters<typeof real.createServer>[0]) => {
      mounted.routes = options.routes
      return real.createServer(options)
    },
  }
})

let house: House
beforeAll(async () => {
  house = await startHouse()
})
afterAll(() => house.stop())

/** Ids that answers have brought, by the name that they are asked by. */
const made: Record<string, string> = {}

/** Every act of an operator: the route, its body, and what the audit calls it. `{name}` stands for an id from before. */
const acts: readonly [route: string, action: string, body?: object, keep?: string][] = [
  ['POST /admin/v1/projects', 'project.created', { id: 'one', name: 'one' }],
  ['POST /admin/v1/keys', 'key.created', { name: 'a key' }, 'key'],
  ['PATCH /admin/v1/keys/:id={key}', 'key.updated', { name: 'another name' }],
  ['POST /admin/v1/keys/:id={key}/rotate', 'key.rotated', {}],
  ['POST /admin/v1/keys/:id={key}/revoke', 'key.deactivated', {}],
  [
    'POST /admin/v1/providers',
    'provider.created',
    { name: 'mine', base_url: 'http://127.0.0.1:1/v1', api_key: 'sk-x' },
  ],
  ['PATCH /admin/v1/providers/:name=mine', 'provider.updated', { stream_usage: false }],
  ['POST /admin/v1/providers/:name=mine/test', 'provider.tested'],
  ['DELETE /admin/v1/providers/:name=mine', 'provider.deleted'],
  [
    'PUT /admin/v1/budgets/:name=b',
    'budget.created',
    { level: 'project', limit_usd: '9', window: 'total', project: 'one' },
  ],
  ['DELETE /admin/v1/budgets/:name=b', 'budget.deleted'],
  ['PUT /admin/v1/limits/policies/:name=p', 'limit_policy.created', { unit: 'requests', limit: 1_000_000 }],
  ['DELETE /admin/v1/limits/policies/:name=p', 'limit_policy.deleted'],
  [
    'PUT /admin/v1/limits/access',
    'access.updated',
    { default: 'allow', allow: [], deny: [], allow_countries: [], deny_countries: [] },
  ],
  [
    'PUT /admin/v1/projects/:project=one/issuers/:name=login',
    'issuer.created',
    { issuer: 'https://login.example.org', audiences: ['app'] },
  ],
  ['DELETE /admin/v1/projects/:project=one/issuers/:name=login', 'issuer.deleted'],
  ['PUT /admin/v1/projects/:project=one/safety-policy', 'safety_policy.set', { policy: 'main' }],
  ['DELETE /admin/v1/projects/:project=one/safety-policy', 'safety_policy.deleted'],
  ['POST /admin/v1/projects/:project=one/user-secret', 'user_secret.created', {}],
  ['DELETE /admin/v1/projects/:project=one/user-secret', 'user_secret.deleted'],
  ['POST /admin/v1/operators', 'operator.created', { name: 'somebody', role: 'support' }, 'operator'],
  ['PATCH /admin/v1/operators/:id={operator}', 'operator.updated', { name: 'somebody else' }],
  ['POST /admin/v1/sessions', 'operator_session.created', { operator: '{operator}' }, 'session'],
  ['DELETE /admin/v1/sessions/:id={session}', 'operator_session.revoked'],
  ['POST /admin/v1/ledger/adjustments', 'ledger.adjusted', { project: 'one', amount_usd: '0.01', reason: 'a test' }],
  ['POST /admin/v1/cache/purge', 'cache.purged', { project: 'one' }],
  ['POST /admin/v1/privacy/breaches', 'breach.opened', { title: 'A test' }, 'breach'],
  ['PATCH /admin/v1/privacy/breaches/:breach_id={breach}', 'breach.updated', { risk: 'unlikely' }],
  [
    'POST /admin/v1/privacy/consents',
    'consent.noted',
    { project: 'one', user: 'anybody', purpose: 'training', decision: 'granted' },
  ],
  ['POST /admin/v1/privacy/erasures', 'person.erased', { project: 'one', user: 'somebody' }],
  ['POST /admin/v1/privacy/erasures/replay', 'erasures.replayed', { journal: '' }],
  [
    'POST /admin/v1/privacy/holds',
    'legal_hold.created',
    { project: 'two', reason: 'Case 17', expires_at: '2999-01-01T00:00:00Z' },
    'hold',
  ],
  ['DELETE /admin/v1/privacy/holds/:hold_id={hold}', 'legal_hold.released'],
  [
    'POST /admin/v1/privacy/requests',
    'privacy_request.received',
    {
      project: 'one',
      subject_request_type: 'erasure',
      subject_identities: [
        { identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: 'anybody' },
      ],
    },
    'dsr',
  ],
  [
    'POST /admin/v1/privacy/requests/:privacy_request_id={dsr}/extend',
    'privacy_request.extended',
    { reason: 'Its size' },
  ],
  ['POST /admin/v1/config/reload', 'config.reloaded'],
  ['PATCH /admin/v1/log-levels', 'log_levels.changed', { levels: { cache: 'silent' } }],
  ['POST /admin/v1/provenance/roots', 'provenance.root_made', {}],
  ['POST /admin/v1/provenance/roots/:version=1/revoke', 'provenance.root_revoked'],
  ['POST /admin/v1/audit/keys', 'audit_key.created'],
  ['POST /admin/v1/key-peppers', 'pepper.rotated'],
  ['POST /admin/v1/key-peppers/:generation=1/retire', 'pepper.retired', { accept_loss: true }],
  ['POST /admin/v1/encryption/rotations', 'encryption_key.created', {}],
  ['POST /admin/v1/diagnostics/cpu-profile', 'cpu_profile.taken', { seconds: 1 }],
  // What is taken out is told too.
  ['GET /admin/v1/audit/export', 'audit.exported'],
]

/** These change nothing that is kept, show no secret, or are off (heap snapshots) and shown elsewhere (corrections, bodies, links to archives, what retention ended, what rotation.test.ts destroys). */
const others = [
  'POST /admin/v1/limits/explain',
  'POST /admin/v1/alerts/evaluate',
  'POST /admin/v1/receivers/:name/test',
  'POST /admin/v1/audit/checkpoints',
  'POST /admin/v1/ledger/recompute',
  'POST /admin/v1/diagnostics/heap-snapshot',
  'POST /admin/v1/privacy/requests/:privacy_request_id/link',
  'POST /admin/v1/retention/runs',
  'DELETE /admin/v1/encryption/keys/:version',
  // Of the embedded store alone: backups.test.ts.
  'POST /admin/v1/backups',
  'POST /admin/v1/backups/:backup_id/verify',
]

const filled = (text: string): string => text.replace(/\{(\w+)\}/g, (_, name: string) => made[name] ?? name)

it.each(acts)('%s stands in the audit as %s', async (route, action, body, keep) => {
  const [method = '', template = ''] = route.split(' ')
  const path = filled(template.replace(/:\w+=/g, ''))
  const text = body && filled(JSON.stringify(body))
  const answer = await house.request(path, { method, ...(text !== undefined && { body: text }) })
  const given = await answer.text()
  expect(answer.status, given).toBeLessThan(300)
  if (keep !== undefined) made[keep] = (JSON.parse(given) as { id: string }).id
  // A request for an erasure is one, and that purges the cache, too.
  const { data } = (await (await house.request('/admin/v1/audit?limit=3')).json()) as {
    data: { action: string; actor: string; request_id: string }[]
  }
  const requestId = answer.headers.get('x-request-id')
  expect(data).toContainEqual(expect.objectContaining({ action, actor: 'admin', request_id: requestId }))
})

it('there is no other act of an operator', () => {
  const asked = acts.map(([route]) => route.replace(/=(\{\w+\}|\w+)/g, ''))
  const all = mounted.routes
    .filter(({ access, method }) => access === 'admin' && method !== 'GET')
    .map(({ method, path }) => `${method} ${path}`)
  expect(all.filter((route) => !asked.includes(route) && !others.includes(route))).toEqual([])
})
