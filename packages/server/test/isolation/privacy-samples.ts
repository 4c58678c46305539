import { missed, plain, type Sample } from './sample.ts'

/** No erasure has this id. */
const missingErasure = 'era_01ARZ3NDEKTSV4RRFFQ69G5FAV'
/** No request of a person has this one. */
const missingRequest = 'dsr_01ARZ3NDEKTSV4RRFFQ69G5FAV'
/** No breach has this one. */
const missingBreach = 'brc_01ARZ3NDEKTSV4RRFFQ69G5FAV'
const selfRequest = (suffix = '', body?: object) => missed(`/v1/privacy/requests/${missingRequest}${suffix}`, body)
const personRequest = (suffix = '', body?: object) =>
  missed(`/admin/v1/privacy/requests/${missingRequest}${suffix}`, body)

/** How the routes of privacy are asked. */
export const privacySamples: Readonly<Record<string, Sample>> = {
  'GET /admin/v1/privacy/data-map': plain('/admin/v1/privacy/data-map'),
  'GET /admin/v1/privacy/processing-record': plain('/admin/v1/privacy/processing-record'),
  'GET /admin/v1/privacy/dpia': plain('/admin/v1/privacy/dpia'),
  'GET /admin/v1/privacy/receipt-key': plain('/admin/v1/privacy/receipt-key'),
  'GET /admin/v1/privacy/erasures': plain('/admin/v1/privacy/erasures'),
  'POST /admin/v1/privacy/erasures': plain('/admin/v1/privacy/erasures', { project: 'default', user: 'nobody' }),
  'POST /admin/v1/privacy/erasures/replay': plain('/admin/v1/privacy/erasures/replay', { journal: '' }),
  'GET /admin/v1/privacy/erasures/:erasure_id': missed(`/admin/v1/privacy/erasures/${missingErasure}`),
  'POST /v1/privacy/erasures': plain('/v1/privacy/erasures', {}),
  'POST /admin/v1/privacy/holds': plain('/admin/v1/privacy/holds', {
    ...{ project: 'nowhere', reason: 'Case 17', expires_at: '2999-01-01T00:00:00Z' },
  }),
  'GET /admin/v1/privacy/holds': plain('/admin/v1/privacy/holds'),
  'DELETE /admin/v1/privacy/holds/:hold_id': missed('/admin/v1/privacy/holds/hold_01ARZ3NDEKTSV4RRFFQ69G5FAV'),
  'GET /admin/v1/retention': plain('/admin/v1/retention'),
  'POST /admin/v1/retention/runs': plain('/admin/v1/retention/runs', {}),
  'GET /admin/v1/retention/records': plain('/admin/v1/retention/records'),
  'POST /admin/v1/privacy/breaches': plain('/admin/v1/privacy/breaches', { title: 'A test' }),
  'GET /admin/v1/privacy/breaches': plain('/admin/v1/privacy/breaches'),
  'GET /admin/v1/privacy/breaches/:breach_id': missed(`/admin/v1/privacy/breaches/${missingBreach}`),
  'PATCH /admin/v1/privacy/breaches/:breach_id': missed(`/admin/v1/privacy/breaches/${missingBreach}`, {}),
  'POST /v1/consents': plain('/v1/consents', { purpose: 'training', decision: 'granted' }),
  'GET /v1/consents': plain('/v1/consents'),
  'GET /v1/consents/history': plain('/v1/consents/history'),
  'POST /admin/v1/privacy/consents': plain('/admin/v1/privacy/consents', {
    ...{ project: 'default', user: 'nobody', purpose: 'training', decision: 'withdrawn' },
  }),
  'GET /admin/v1/privacy/consents': plain('/admin/v1/privacy/consents?project=default&user=nobody'),
  'GET /admin/v1/privacy/consents/history': plain('/admin/v1/privacy/consents/history?project=default&user=nobody'),
  'GET /.well-known/gpc.json': plain('/.well-known/gpc.json'),
  'POST /v1/privacy/requests': plain('/v1/privacy/requests', { subject_request_type: 'erasure' }),
  'GET /v1/privacy/requests': plain('/v1/privacy/requests'),
  'GET /v1/privacy/requests/:privacy_request_id': selfRequest(),
  'POST /v1/privacy/requests/:privacy_request_id/link': selfRequest('/link', {}),
  'GET /privacy/exports/:export_token': { ...missed('/privacy/exports/nothing'), told: 403 },
  'POST /admin/v1/privacy/requests': plain('/admin/v1/privacy/requests', {
    project: 'default',
    subject_request_type: 'access',
    subject_identities: [{ identity_type: 'controller_customer_id', identity_format: 'raw', identity_value: 'nobody' }],
  }),
  'GET /admin/v1/privacy/requests': plain('/admin/v1/privacy/requests'),
  'GET /admin/v1/privacy/requests/:privacy_request_id': personRequest(),
  'POST /admin/v1/privacy/requests/:privacy_request_id/extend': personRequest('/extend', { reason: 'None' }),
  'POST /admin/v1/privacy/requests/:privacy_request_id/link': personRequest('/link', {}),
}
