import { defineErrors } from './entry.ts'

/** HG-55xx: what is remembered about people. */
export const memoryErrors = defineErrors({
  memory_not_found: {
    id: 'HG-5501',
    http: 404,
    type: 'not_found_error',
    severity: 'info',
    retryable: 'no',
    title: 'No such memory',
    user: 'This memory is not available.',
    developer: 'Nothing of this id is remembered, or proposed, for this project and person.',
    causes: [
      'It was deleted, merged with another, or has expired.',
      'It belongs to another person, or was made without one: `x-headgate-user` must be the same.',
    ],
    resolutions: ['List what there is with `GET /v1/memories`.', 'Name the person that it is about.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  memory_changed: {
    id: 'HG-5502',
    http: 412,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'Memory has changed since',
    user: 'This memory was changed somewhere else.',
    developer: '`If-Match` names a state of the memory that is no longer the present one. Nothing was changed.',
    causes: ['Another device or process changed it, or something said the same again.'],
    resolutions: ['Read it again, and change what is there now.', 'Leave `If-Match` out to change it whatever it is.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  memory_quota_exceeded: {
    id: 'HG-5503',
    http: 403,
    type: 'insufficient_quota',
    severity: 'warning',
    retryable: 'no',
    title: 'No room for more memories',
    user: 'There is no room to remember more.',
    developer:
      'With this, the memories of this person (or of the project, where no person is named) would pass `memories.max_memories`.',
    causes: ['Things are remembered that nobody needs any more.', 'Backends remember all their people under no name.'],
    resolutions: [
      'Delete memories, the stale ones first: `GET /v1/memories?stale=true`.',
      'Name the person with `x-headgate-user`.',
      'Operator: raise `memories.max_memories`.',
    ],
    recovery: 'fix_request',
    since: '0.1.0',
  },
})
