import { defineErrors } from './entry.ts'

/** HG-22xx: what may be asked for, but not by everyone. */
export const safetyErrors = defineErrors({
  content_refused: {
    id: 'HG-2201',
    http: 422,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'Refused by the policy for strangers',
    user: 'This picture cannot be made. Please describe another one.',
    developer: 'The judge of pictures for publishable keys and the tier `anonymous` found something in the prompt.',
    causes: ['The prompt asks for what the model `safety.moderation_model` flags.'],
    resolutions: ['Describe another picture.', 'Ask with a secret key of a tier whose callers you answer for.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  content_not_judged: {
    id: 'HG-2202',
    http: 422,
    type: 'invalid_request_error',
    severity: 'warning',
    retryable: 'no',
    title: 'Nobody can judge this for strangers',
    user: 'This picture cannot be made at the moment.',
    developer:
      'Pictures for publishable keys and the tier `anonymous` are judged first; in doubt, and while the judge is away, they are refused.',
    causes: [
      '`safety.moderation_model` is not set, or its provider does not answer.',
      'A picture is to be changed, which words do not judge.',
    ],
    resolutions: [
      'Operator: set `safety.moderation_model`, such as `openai/omni-moderation-latest`.',
      'Ask with a secret key from your own backend.',
    ],
    recovery: 'contact_support',
    since: '0.1.0',
  },
})
