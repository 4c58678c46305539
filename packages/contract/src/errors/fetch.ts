import { defineErrors } from './entry.ts'

/** HG-27xx: addresses in a request, from which something was to be fetched. */
export const fetchErrors = defineErrors({
  url_refused: {
    id: 'HG-2701',
    http: 400,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'Address not fetched from',
    user: 'The picture could not be loaded from its address.',
    developer:
      'The request names an address that Headgate does not fetch from; `detail` says which rule stands against it.',
    causes: [
      'The address is no https address, or holds a port, a name or a password.',
      'Its host, or one that it leads on to, has no public address.',
    ],
    resolutions: ['Send the picture itself as a data URL.', 'Put it where everybody can fetch it by https.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  url_unavailable: {
    id: 'HG-2702',
    http: 400,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'Nothing at the address',
    user: 'The picture could not be loaded from its address.',
    developer:
      'The host of an address in the request could not be reached, answered something else than 200, or took too long.',
    causes: [
      'The picture is gone, or asks for a login.',
      'The host is slow or down.',
      'It leads on more than three times.',
    ],
    resolutions: ['Open the address without being logged in.', 'Send the picture itself as a data URL.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
  url_content_refused: {
    id: 'HG-2703',
    http: 400,
    type: 'invalid_request_error',
    severity: 'info',
    retryable: 'no',
    title: 'No picture at the address',
    user: 'What stands at the address is no picture that can be used.',
    developer: 'What an address in the request leads to is too large, or neither PNG, JPEG, GIF nor WebP.',
    causes: ['The address leads to a page about the picture.', 'The picture is larger than `fetch.max_bytes`.'],
    resolutions: ['Give the address of the picture itself.', 'Scale it down.'],
    recovery: 'fix_request',
    since: '0.1.0',
  },
})
