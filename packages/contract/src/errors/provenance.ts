import { defineErrors } from './entry.ts'

/** HG-25xx: signatures of what models make. */
export const provenanceErrors = defineErrors({
  provenance_failed: {
    id: 'HG-2501',
    http: 503,
    type: 'server_error',
    severity: 'error',
    retryable: 'after',
    title: 'Could not be signed',
    user: 'This could not be finished. Please try again in a moment.',
    developer:
      'The provider answered, but the answer could not be signed, and `provenance.on_failure` is `fail`. The call is charged: it was made.',
    causes: [
      'More answers wait to be signed than `provenance.max_waiting` allows.',
      'The file is broken, signing took longer than `provenance.sign_ms`, or PostgreSQL, which keeps the root, is away.',
      'A picture shall get a mark in its pixels (`provenance.invisible_mark`), and `sharp` is not installed.',
    ],
    resolutions: [
      'Try again.',
      'Operator: look at the log; `provenance.on_failure: pass` lets answers leave unsigned.',
    ],
    recovery: 'retry',
    since: '0.1.0',
  },
  provenance_unavailable: {
    id: 'HG-2502',
    http: 503,
    type: 'server_error',
    severity: 'warning',
    retryable: 'after',
    title: 'The verifier is busy',
    user: 'This file cannot be checked at the moment. Please try again.',
    developer: 'The file was not verified: too many wait, or it took longer than `provenance.sign_ms`.',
    causes: ['More files wait than `provenance.max_waiting` allows.', 'The file is very large, or made to be slow.'],
    resolutions: ['Try again in a moment.', 'Send a smaller file.'],
    recovery: 'retry',
    since: '0.1.0',
  },
})
