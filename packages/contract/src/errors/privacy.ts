import { defineErrors } from './entry.ts'

/** HG-53xx: what is held of people. */
export const privacyErrors = defineErrors({
  erasure_not_found: {
    id: 'HG-5301',
    http: 404,
    type: 'not_found_error',
    severity: 'info',
    retryable: 'no',
    title: 'No such erasure',
    user: 'This request is not known.',
    developer: 'No erasure of this id is known, or it is of another project.',
    causes: ['The id is wrong, or belongs to another project.'],
    resolutions: ['List what there is with `GET /admin/v1/privacy/erasures`.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  person_missing: {
    id: 'HG-5302',
    http: 400,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'Nobody is named',
    user: 'Please sign in first.',
    developer: 'The call concerns the data of one person, and names none.',
    causes: ['A backend’s key without `x-headgate-user`.', 'A browser’s key without the token of a person.'],
    resolutions: [
      'Send `x-headgate-user` with the name under which the person’s calls were made.',
      'Send the person’s token, so that they are proven.',
    ],
    recovery: 'fix_request',
    since: '0.1.0',
  },
})
