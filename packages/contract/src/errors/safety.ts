import { defineErrors } from './entry.ts'

/** HG-22xx: what may not be asked for, or not by everyone. */
export const safetyErrors = defineErrors({
  content_refused: {
    id: 'HG-2201',
    http: 422,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'Refused by the safety policy',
    user: 'This cannot be answered. Please ask for something else.',
    developer:
      'A check of the safety policy found something in the prompt: a text of `safety.block`, what the model `safety.moderation_model` flags, or a picture that `safety.image_model` takes for indecent. Nothing was called and nothing is charged.',
    causes: [
      'The prompt holds a text that the operator has blocked.',
      'The prompt asks for what the model `safety.moderation_model` flags; pictures for publishable keys and the tier `anonymous` are always judged.',
    ],
    resolutions: [
      'Ask for something else.',
      'Operator: the log line of the request (component `safety`) names the check and the list or category.',
      'For pictures: ask with a secret key of a tier whose callers you answer for.',
    ],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  content_not_judged: {
    id: 'HG-2202',
    http: 422,
    type: 'invalid_request_error',
    severity: 'warning',
    retryable: 'no',
    title: 'Nobody can judge this',
    user: 'This cannot be answered at the moment.',
    developer:
      'Under the policy `demo`, and for pictures that publishable keys and the tier `anonymous` ask for, what nobody can judge is refused: in doubt, and while the judge is away.',
    causes: [
      '`safety.moderation_model` is not set, or its provider does not answer.',
      'The prompt holds pictures, files or tokens, which words do not judge; or a picture is to be changed.',
    ],
    resolutions: [
      'Operator: set `safety.moderation_model`, such as `openai/omni-moderation-latest`.',
      'Ask with words alone, or without `x-headgate-safe: strict`.',
      'For pictures: ask with a secret key from your own backend.',
    ],
    recovery: 'contact_support',
    since: '0.1.0',
  },
  answer_blocked: {
    id: 'HG-2203',
    http: 422,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'The answer is blocked by the safety policy',
    user: 'The answer cannot be shown. Please ask in other words.',
    developer:
      'The model’s answer holds a text of `safety.block`, what the model `safety.moderation_model` flags, or a picture that `safety.image_model` takes for indecent. A stream ends with this error in place of its end, and nothing of the text is shown; what was made is charged.',
    causes: ['The model said what the operator has blocked, or, under the policy `demo`, what the judge flags.'],
    resolutions: [
      'Ask for something else, or in other words.',
      'Operator: the log line of the request (component `safety`) names the list.',
    ],
    recovery: 'fix_request',
    since: '0.1.0',
  },
})
