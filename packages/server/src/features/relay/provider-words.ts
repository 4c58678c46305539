const longest = 300

/** In this order: what looks like a credential, an address, a host name. */
const unsafe: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 ***'],
  [/\b(?:sk|pk|rk|gsk|xai|key|hg_sk|hg_pk)[-_][\w*.-]{6,}/gi, '***'],
  [/\b[A-Za-z0-9_-]{32,}\b/g, '***'],
  [/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '(address)'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '(address)'],
  [/(?<![\w:])\[?(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\]?(?![\w:])/gi, '(address)'],
  [/\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|app|cloud|local|localhost|internal|lan|svc)\b(?::\d+)?/gi, '(host)'],
  [/\blocalhost(?::\d+)?\b/gi, '(host)'],
]

/** Makes a provider's error text fit to be shown: one line, at most 300 characters, no credential, no address. */
export const presentable = (words: string): string => {
  let text = words.slice(0, longest * 4).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
  for (const [pattern, instead] of unsafe) text = text.replace(pattern, instead)
  text = text.replace(/ +/g, ' ').trim()
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}

/** The message inside a provider's `error` member, in whatever shape it came; null when there is none. */
export const errorMessage = (error: unknown): string | null => {
  if (typeof error === 'string') return error === '' ? null : error
  if (typeof error !== 'object' || error === null) return null
  const { message } = error as { message?: unknown }
  return typeof message === 'string' && message !== '' ? message : null
}
