import { defineErrors } from './entry.ts'

/** HG-24xx: responses that are kept. */
export const responseErrors = defineErrors({
  response_not_found: {
    id: 'HG-2401',
    http: 404,
    type: 'not_found_error',
    severity: 'info',
    retryable: 'no',
    title: 'No such response',
    user: 'This answer is not available any more.',
    developer: 'No response of this id is kept for this key and user.',
    causes: [
      'It was made with `"store": false`, deleted, or longer ago than `responses.keep_days`.',
      'It was made with another key, or for another user.',
      'A response before it in the conversation is gone.',
    ],
    resolutions: ['Send the conversation itself as `input`.', 'Send the key and the `x-headgate-user` that made it.'],
    recovery: 'retry',
    since: '0.1.0',
  },
  response_in_progress: {
    id: 'HG-2402',
    http: 409,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'after',
    title: 'Response is in progress',
    user: 'The answer is not finished yet.',
    developer: 'A conversation goes on from a response that has ended, and this one still runs.',
    causes: ['`previous_response_id` names a response that runs in the background.'],
    resolutions: ['Ask `GET /v1/responses/{id}` until its `status` is not `in_progress`, or cancel it.'],
    recovery: 'wait',
    since: '0.1.0',
  },
})
