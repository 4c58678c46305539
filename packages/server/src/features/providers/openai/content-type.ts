/** Server-sent events. */
export const isEventStream = (type: string | string[] | undefined): boolean =>
  typeof type === 'string' && /^text\/event-stream\b/i.test(type)

/** JSON, or a format built on it. */
export const isJson = (type: string): boolean => /^application\/([a-z0-9.-]+\+)?json\b/i.test(type)
/** What speech comes as; some servers do not say what the bytes are. */
export const isBinary = (type: string): boolean => /^(audio\/|video\/|application\/(octet-stream|ogg)\b)/i.test(type)
