import { missed, plain, type Sample } from './sample.ts'
import { privacySamples } from './privacy-samples.ts'

/** Stands in everything that project A owns; nobody else's answers may hold it. */
export const canary = 'canary-of-a'
export const chat = { model: 'demo', messages: [{ role: 'user', content: 'Hello' }], user: canary }
/** No key has this id. */
export const missing = 'AAAAAAAAAAAA'

/** No stream has this id. */
const missingStream = 'stm_01ARZ3NDEKTSV4RRFFQ69G5FAV'
/** No file and no batch has these. */
const missingFile = 'file_01ARZ3NDEKTSV4RRFFQ69G5FAV'
const missingBatch = 'batch_01ARZ3NDEKTSV4RRFFQ69G5FAV'

/** No asset and no upload has these. */
const missingAsset = 'asset_01ARZ3NDEKTSV4RRFFQ69G5FAV'
const missingUpload = 'upload_01ARZ3NDEKTSV4RRFFQ69G5FAV'

/** No response has this id. */
const missingResponse = 'resp_01ARZ3NDEKTSV4RRFFQ69G5FAV'

const keyed = (suffix: string, body?: object) => missed(`/admin/v1/keys/${missing}${suffix}`, body)
const named = (suffix: string, body?: object) => missed(`/admin/v1/providers/none${suffix}`, body)
const issuers = (suffix: string, body?: object) => missed(`/admin/v1/projects/none/issuers${suffix}`, body)
const safetyPolicy = (body?: object) => missed('/admin/v1/projects/none/safety-policy', body)
const userSecret = (body?: object) => missed('/admin/v1/projects/none/user-secret', body)
const operator = (path: string, body?: object) => missed(`${path}/none`, body)
const response = (suffix = '', body?: object) => missed(`/v1/responses/${missingResponse}${suffix}`, body)

/** No extraction has this id. */
const missingExtraction = 'mex_01ARZ3NDEKTSV4RRFFQ69G5FAV'

/** No memory has this id. */
const missingMemory = 'mem_01ARZ3NDEKTSV4RRFFQ69G5FAV'

/** No session and no message has these. */
const missingSession = 'ses_01ARZ3NDEKTSV4RRFFQ69G5FAV'
const missingMessage = 'msg_01ARZ3NDEKTSV4RRFFQ69G5FAV'

/** How every mounted route is asked; `foreignUsage` are paths of a call of project A. */
export const routeSamples = (foreignUsage: () => readonly string[]): Readonly<Record<string, Sample>> => ({
  'GET /livez': plain('/livez'),
  'GET /readyz': plain('/readyz'),
  'GET /startupz': plain('/startupz'),
  'GET /admin/v1/scaling': plain('/admin/v1/scaling'),
  ...privacySamples,
  'GET /warmz': plain('/warmz'),
  'GET /openapi.json': plain('/openapi.json'),
  'GET /errors.json': plain('/errors.json'),
  'GET /': plain('/'),
  'GET /docs': plain('/docs'),
  'GET /docs/*': plain('/docs/'),
  'GET /docs/api': plain('/docs/api'),
  'GET /docs/errors': plain('/docs/errors'),
  'GET /docs/errors/:name': { path: '/docs/errors/bad-http', foreign: () => [] },
  'GET /assets/:name': { path: '/assets/pages.css', foreign: () => [] },
  'GET /metrics': plain('/metrics'),
  'POST /v1/chat/completions': plain('/v1/chat/completions', { ...chat, user: 'b' }),
  'POST /v1/embeddings': plain('/v1/embeddings', { model: 'demo', input: 'Hello' }),
  'POST /v1/responses': plain('/v1/responses', { model: 'demo', input: 'Hello' }),
  'GET /v1/responses/:response_id': response(),
  'DELETE /v1/responses/:response_id': response(),
  'POST /v1/responses/:response_id/cancel': response('/cancel', {}),
  'GET /v1/responses/:response_id/input_items': response('/input_items'),
  'POST /v1/completions': plain('/v1/completions', { model: 'demo', prompt: 'Hello', user: canary }),
  'POST /v1/messages': plain('/v1/messages', { ...chat, max_tokens: 16 }),
  'POST /v1/messages/count_tokens': plain('/v1/messages/count_tokens', chat),
  'POST /v1/route': plain('/v1/route', { model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }),
  'GET /v1/streams/:stream_id': missed(`/v1/streams/${missingStream}`),
  'POST /v1/streams/:stream_id/cancel': missed(`/v1/streams/${missingStream}/cancel`, {}),
  'POST /v1/sessions': plain('/v1/sessions', { title: 'planted' }),
  'GET /v1/sessions': plain('/v1/sessions'),
  'GET /v1/sessions/folders': plain('/v1/sessions/folders'),
  'PATCH /v1/sessions/folders': plain('/v1/sessions/folders', { name: 'planted', new_name: 'moved' }),
  'GET /v1/sessions/search': plain('/v1/sessions/search?q=planted'),
  'POST /v1/sessions/import': plain('/v1/sessions/import', {
    format: 'markdown',
    document: '## User\n\nplanted',
  }),
  'GET /v1/sessions/:session_id/export': missed(`/v1/sessions/${missingSession}/export`),
  'GET /v1/sync': plain('/v1/sync'),
  'GET /v1/sessions/:session_id': missed(`/v1/sessions/${missingSession}`),
  'PATCH /v1/sessions/:session_id': missed(`/v1/sessions/${missingSession}`, { title: 'planted' }),
  'DELETE /v1/sessions/:session_id': missed(`/v1/sessions/${missingSession}`),
  'POST /v1/sessions/:session_id/messages': missed(`/v1/sessions/${missingSession}/messages`, {
    message: { role: 'user', content: 'planted' },
  }),
  'GET /v1/sessions/:session_id/messages': missed(`/v1/sessions/${missingSession}/messages`),
  'GET /v1/sessions/:session_id/messages/:message_id': missed(
    `/v1/sessions/${missingSession}/messages/${missingMessage}`,
  ),
  'DELETE /v1/sessions/:session_id/messages/:message_id': missed(
    `/v1/sessions/${missingSession}/messages/${missingMessage}`,
  ),
  'POST /v1/memories': plain('/v1/memories', { text: 'planted' }),
  'GET /v1/memories': plain('/v1/memories'),
  'POST /v1/memories/search': plain('/v1/memories/search', { query: 'planted' }),
  'POST /v1/memories/extractions': plain('/v1/memories/extractions', { session_id: missingSession }),
  'GET /v1/memories/extractions/:extraction_id': missed(`/v1/memories/extractions/${missingExtraction}`),
  'GET /v1/memories/proposals': plain('/v1/memories/proposals'),
  'POST /v1/memories/proposals/:memory_id/accept': missed(`/v1/memories/proposals/${missingMemory}/accept`, {}),
  'POST /v1/memories/proposals/:memory_id/reject': missed(`/v1/memories/proposals/${missingMemory}/reject`, {}),
  'GET /v1/memories/about': plain('/v1/memories/about'),
  'GET /v1/memories/export': plain('/v1/memories/export'),
  'POST /v1/memories/import': plain('/v1/memories/import', { text: 'planted too' }),
  'POST /v1/memories/revoke': plain('/v1/memories/revoke', { source: { type: 'tool', id: 'planted' } }),
  'GET /v1/memories/:memory_id': missed(`/v1/memories/${missingMemory}`),
  'PATCH /v1/memories/:memory_id': missed(`/v1/memories/${missingMemory}`, { text: 'planted' }),
  'DELETE /v1/memories/:memory_id': missed(`/v1/memories/${missingMemory}`),
  'POST /v1/files': plain('/v1/files', {}),
  'GET /v1/files': plain('/v1/files'),
  'GET /v1/files/:file_id': missed(`/v1/files/${missingFile}`),
  'GET /v1/files/:file_id/content': missed(`/v1/files/${missingFile}/content`),
  'DELETE /v1/files/:file_id': missed(`/v1/files/${missingFile}`),
  'POST /v1/uploads': plain('/v1/uploads', {}),
  'GET /v1/uploads/:upload_id': missed(`/v1/uploads/${missingUpload}`),
  'PATCH /v1/uploads/:upload_id': missed(`/v1/uploads/${missingUpload}`),
  'DELETE /v1/uploads/:upload_id': missed(`/v1/uploads/${missingUpload}`),
  'POST /v1/assets': plain('/v1/assets', {}),
  'GET /v1/assets': plain('/v1/assets'),
  'GET /v1/assets/limits': plain('/v1/assets/limits'),
  'GET /v1/assets/:asset_id': missed(`/v1/assets/${missingAsset}`),
  'PATCH /v1/assets/:asset_id': { ...missed(`/v1/assets/${missingAsset}`), body: {} },
  'DELETE /v1/assets/:asset_id': missed(`/v1/assets/${missingAsset}`),
  'GET /v1/assets/:asset_id/versions': missed(`/v1/assets/${missingAsset}/versions`),
  'GET /v1/assets/:asset_id/thumbnail': missed(`/v1/assets/${missingAsset}/thumbnail`),
  'GET /v1/assets/:asset_id/content': missed(`/v1/assets/${missingAsset}/content`),
  'PUT /v1/assets/:asset_id/content': { ...missed(`/v1/assets/${missingAsset}/content`), body: {} },
  'GET /v1/assets/:asset_id/text': missed(`/v1/assets/${missingAsset}/text`),
  'POST /v1/assets/:asset_id/url': { ...missed(`/v1/assets/${missingAsset}/url`), body: {} },
  'GET /content/:sha256/:token': { ...missed(`/content/${'0'.repeat(64)}/nothing`), told: 403 },
  'POST /v1/batches': plain('/v1/batches', {
    input_file_id: missingFile,
    endpoint: '/v1/embeddings',
    completion_window: '24h',
  }),
  'GET /v1/batches': plain('/v1/batches'),
  'GET /v1/batches/:batch_id': missed(`/v1/batches/${missingBatch}`),
  'POST /v1/batches/:batch_id/cancel': missed(`/v1/batches/${missingBatch}/cancel`),
  'GET /image/*': { path: '/image/Hello?model=demo&width=16&height=16', foreign: () => [] },
  'GET /text/*': { path: '/text/Hello?model=demo', foreign: () => [] },
  'POST /v1/images/generations': plain('/v1/images/generations', { model: 'demo', prompt: 'Hello', size: '16x16' }),
  'POST /v1/images/edits': plain('/v1/images/edits', { model: 'demo', prompt: 'Hello' }),
  'POST /v1/images/variations': plain('/v1/images/variations', { model: 'demo' }),
  'POST /v1/audio/speech': plain('/v1/audio/speech', { model: 'demo', input: 'Hello' }),
  'POST /v1/audio/transcriptions': plain('/v1/audio/transcriptions', { model: 'demo' }),
  'POST /v1/audio/translations': plain('/v1/audio/translations', { model: 'demo' }),
  'POST /v1/moderations': plain('/v1/moderations', { model: 'demo', input: 'Hello' }),
  'POST /v1/verify': plain('/v1/verify', {}),
  'GET /v1/provenance/roots': plain('/v1/provenance/roots'),
  'POST /admin/v1/provenance/roots': plain('/admin/v1/provenance/roots', {}),
  'POST /admin/v1/provenance/roots/:version/revoke': missed('/admin/v1/provenance/roots/99999999/revoke', {}),
  'POST /v1/devices': plain('/v1/devices', {}),
  'GET /v1/models': plain('/v1/models'),
  'GET /admin/v1/models': plain('/admin/v1/models'),
  'GET /v1/models/*': { path: '/v1/models/demo/demo', missing: '/v1/models/no/such' },
  'GET /v1/usage': plain('/v1/usage?scope=project'),
  'GET /v1/usage/:request_id': {
    path: '/v1/usage/unknown',
    missing: '/v1/usage/req_01ARZ3NDEKTSV4RRFFQ69G5FAV',
    foreign: foreignUsage,
  },
  'GET /admin/v1/usage': plain('/admin/v1/usage'),
  'GET /admin/v1/ledger/adjustments': plain('/admin/v1/ledger/adjustments'),
  'POST /admin/v1/ledger/adjustments': plain('/admin/v1/ledger/adjustments', {
    project: 'default',
    amount_usd: '0.01',
    reason: 'planted',
  }),
  'POST /admin/v1/providers': plain('/admin/v1/providers', { name: 'planted', base_url: 'http://127.0.0.1:1/v1' }),
  'GET /admin/v1/providers': plain('/admin/v1/providers'),
  'PATCH /admin/v1/providers/:name': named('', { stream_usage: false }),
  'DELETE /admin/v1/providers/:name': named(''),
  'POST /admin/v1/providers/:name/test': named('/test'),
  'POST /admin/v1/ledger/recompute': plain('/admin/v1/ledger/recompute', { from: '2026-01-01', to: '2026-01-02' }),
  'GET /admin/v1/budgets': plain('/admin/v1/budgets'),
  'GET /admin/v1/budgets/:name': {
    path: '/admin/v1/budgets/none',
    missing: '/admin/v1/budgets/none',
    foreign: () => [],
  },
  'PUT /admin/v1/budgets/:name': {
    path: '/admin/v1/budgets/planted',
    body: { level: 'project', limit_usd: '1000', window: 'total', project: 'nobody' },
    foreign: () => [],
  },
  'DELETE /admin/v1/budgets/:name': {
    path: '/admin/v1/budgets/none',
    missing: '/admin/v1/budgets/none',
    foreign: () => [],
  },
  'GET /admin/v1/limits/policies': plain('/admin/v1/limits/policies'),
  'PUT /admin/v1/limits/policies/:name': {
    path: '/admin/v1/limits/policies/planted',
    body: { unit: 'requests', limit: 1_000_000 },
    foreign: () => [],
  },
  'DELETE /admin/v1/limits/policies/:name': {
    path: '/admin/v1/limits/policies/none',
    missing: '/admin/v1/limits/policies/none',
    foreign: () => [],
  },
  'GET /admin/v1/limits/access': plain('/admin/v1/limits/access'),
  'PUT /admin/v1/limits/access': plain('/admin/v1/limits/access', {
    default: 'allow',
    allow: [],
    deny: [],
    allow_countries: [],
    deny_countries: [],
  }),
  'POST /admin/v1/limits/explain': plain('/admin/v1/limits/explain', { key_id: missing, model: 'demo' }),
  'GET /admin/v1/keys': plain('/admin/v1/keys'),
  'POST /admin/v1/keys': plain('/admin/v1/keys', { name: 'planted' }),
  'GET /admin/v1/keys/:id': keyed(''),
  'PATCH /admin/v1/keys/:id': keyed('', { name: 'planted' }),
  'POST /admin/v1/keys/:id/rotate': keyed('/rotate', {}),
  'POST /admin/v1/keys/:id/revoke': keyed('/revoke', {}),
  'GET /admin/v1/projects': plain('/admin/v1/projects'),
  'POST /admin/v1/projects': plain('/admin/v1/projects', { name: 'planted' }),
  'GET /admin/v1/projects/:project/safety-policy': safetyPolicy(),
  'PUT /admin/v1/projects/:project/safety-policy': safetyPolicy({ policy: 'main' }),
  'DELETE /admin/v1/projects/:project/safety-policy': safetyPolicy(),
  'GET /admin/v1/projects/:project/issuers': issuers(''),
  'PUT /admin/v1/projects/:project/issuers/:name': issuers('/login', {
    issuer: 'https://login.example.org',
    audiences: ['planted'],
  }),
  'DELETE /admin/v1/projects/:project/issuers/:name': issuers('/login'),
  'GET /admin/v1/projects/:project/user-secret': userSecret(),
  'POST /admin/v1/projects/:project/user-secret': userSecret({}),
  'DELETE /admin/v1/projects/:project/user-secret': userSecret(),
  'GET /admin/v1/operators': plain('/admin/v1/operators'),
  'POST /admin/v1/operators': plain('/admin/v1/operators', { name: 'planted', role: 'support' }),
  'PATCH /admin/v1/operators/:id': operator('/admin/v1/operators', { name: 'planted' }),
  'GET /admin/v1/sessions': plain('/admin/v1/sessions'),
  'POST /admin/v1/sessions': plain('/admin/v1/sessions', { operator: 'op_01KG9V6V80Q3M5YJ8T2N4R7WXA' }),
  'DELETE /admin/v1/sessions/:id': operator('/admin/v1/sessions'),
  'POST /admin/v1/cache/purge': plain('/admin/v1/cache/purge', { project: missing }),
  'GET /admin/v1/key-lifecycle': plain('/admin/v1/key-lifecycle'),
  'GET /admin/v1/key-lifecycle/summary': plain('/admin/v1/key-lifecycle/summary'),
  'GET /admin/v1/key-peppers': plain('/admin/v1/key-peppers'),
  'POST /admin/v1/key-peppers': plain('/admin/v1/key-peppers', {}),
  'GET /admin/v1/key-peppers/:generation/keys': missed('/admin/v1/key-peppers/99999999/keys'),
  'POST /admin/v1/key-peppers/:generation/retire': missed('/admin/v1/key-peppers/99999999/retire', {}),
  'GET /admin/v1/backups': plain('/admin/v1/backups'),
  'POST /admin/v1/backups': plain('/admin/v1/backups', {}),
  'POST /admin/v1/backups/:backup_id/verify': missed('/admin/v1/backups/20260101T000000Z-0000/verify', {}),
  'GET /admin/v1/encryption': plain('/admin/v1/encryption'),
  'POST /admin/v1/encryption/rotations': plain('/admin/v1/encryption/rotations', {}),
  'DELETE /admin/v1/encryption/keys/:version': missed('/admin/v1/encryption/keys/99999999'),
  'GET /admin/v1/audit': plain('/admin/v1/audit'),
  'GET /admin/v1/audit/export': plain('/admin/v1/audit/export'),
  'GET /admin/v1/audit/checkpoints': plain('/admin/v1/audit/checkpoints'),
  'POST /admin/v1/audit/checkpoints': plain('/admin/v1/audit/checkpoints'),
  'GET /admin/v1/audit/proofs/:seq': missed('/admin/v1/audit/proofs/999999999'),
  'GET /admin/v1/audit/consistency': plain('/admin/v1/audit/consistency?from=999999998&to=999999999'),
  'GET /admin/v1/audit/keys': plain('/admin/v1/audit/keys'),
  'POST /admin/v1/audit/keys': plain('/admin/v1/audit/keys'),
  'GET /admin/v1/audit/review': plain('/admin/v1/audit/review'),
  'GET /admin/v1/config': plain('/admin/v1/config'),
  'POST /admin/v1/config/reload': plain('/admin/v1/config/reload'),
  'GET /admin/v1/requests': plain('/admin/v1/requests'),
  'GET /admin/v1/requests/:id': {
    path: '/admin/v1/requests/unknown',
    missing: '/admin/v1/requests/unknown',
    foreign: () => [],
  },
  'GET /admin/v1/log-levels': plain('/admin/v1/log-levels'),
  'PATCH /admin/v1/log-levels': plain('/admin/v1/log-levels', { levels: { http: 'silent' } }),
  'GET /admin/v1/requests/:id/bodies': {
    path: '/admin/v1/requests/unknown/bodies',
    missing: '/admin/v1/requests/unknown/bodies',
    foreign: () => [],
  },
  'GET /admin/v1/traces': plain('/admin/v1/traces'),
  'GET /admin/v1/stats': plain('/admin/v1/stats'),
  'GET /admin/v1/objectives': plain('/admin/v1/objectives'),
  'GET /admin/v1/alerts': plain('/admin/v1/alerts'),
  'POST /admin/v1/alerts/evaluate': plain('/admin/v1/alerts/evaluate'),
  'GET /admin/v1/alerts/prometheus-rules': plain('/admin/v1/alerts/prometheus-rules'),
  'POST /admin/v1/receivers/:name/test': {
    path: '/admin/v1/receivers/none/test',
    missing: '/admin/v1/receivers/none/test',
    foreign: () => [],
  },
  'GET /admin/v1/diagnostics': plain('/admin/v1/diagnostics'),
  'POST /admin/v1/diagnostics/cpu-profile': plain('/admin/v1/diagnostics/cpu-profile', { seconds: 1 }),
  'POST /admin/v1/diagnostics/heap-snapshot': plain('/admin/v1/diagnostics/heap-snapshot', {}),
  'GET /admin/v1/services': plain('/admin/v1/services'),
})
