import { defineErrors } from './entry.ts'

/** HG-21xx: retries that name themselves by an `Idempotency-Key`. */
export const idempotencyErrors = defineErrors({
  idempotency_key_invalid: {
    id: 'HG-2101',
    http: 400,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'Invalid Idempotency-Key',
    user: 'The request could not be read.',
    developer: 'An `Idempotency-Key` has 1 to 255 printable ASCII characters, bare or as a quoted string.',
    causes: ['The header is empty, longer, or has other characters.', 'A quote opens and never closes.'],
    resolutions: ['Send a UUID, drawn once per logical request.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  idempotency_key_reused: {
    id: 'HG-2102',
    http: 422,
    type: 'invalid_request_error',
    severity: 'warning',
    retryable: 'no',
    title: 'Idempotency-Key used for another request',
    user: 'Something in the request is not right.',
    developer:
      'This `Idempotency-Key` came with another body, query or path before; only an identical request is a retry.',
    causes: ['A key that is fixed, or drawn once for several requests.', 'The body was changed between two tries.'],
    resolutions: ['Draw a new key for each logical request and keep it over its retries.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  idempotency_in_progress: {
    id: 'HG-2103',
    http: 409,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'after',
    title: 'The first request of this Idempotency-Key still runs',
    user: 'Your request is still being worked on. Please wait a moment.',
    developer:
      'The request that came first with this `Idempotency-Key` has not ended within the minute that a retry waits for it.',
    causes: ['A call that takes long.'],
    resolutions: ['Try again with the same key after `Retry-After`; the answer is kept.'],
    recovery: 'wait',
    since: '0.1.0',
  },
  not_replayable: {
    id: 'HG-2104',
    http: 409,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'The answer was not kept',
    user: 'This was done already, and its result cannot be shown again.',
    developer:
      'The request of this `Idempotency-Key` was carried out; its answer was longer than `idempotency.max_answer_bytes` and is not kept.',
    causes: ['A retry after a very long answer.'],
    resolutions: [
      'Ask anew with a new key, if the work may be done and paid twice.',
      'Operator: raise `idempotency.max_answer_bytes`.',
    ],
    recovery: 'contact_support',
    since: '0.1.0',
  },
})
