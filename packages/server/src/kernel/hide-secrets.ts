/** Shorter texts occur by chance. */
const SHORTEST_SECRET = 8

/** Headgate's API keys, also those that nobody here has made. */
const apiKeys = /\bhg_([sp]k)_([0-9A-Za-z]{12})[0-9A-Za-z]{36}\b/g

/** Takes secrets out of text that others wrote, such as the message of an error. */
export interface SecretHider {
  /** Hides every secret added, and of whatever has the form of an API key all but the public id. */
  readonly hide: (text: string) => string
  readonly add: (secrets: readonly string[]) => void
}

/** A hider that knows no secret yet. */
export const createSecretHider = (): SecretHider => {
  const known = new Set<string>()
  let hidden: readonly string[] = []
  return {
    hide: (text) =>
      hidden.reduce((clean, secret) => clean.replaceAll(secret, '***'), text).replaceAll(apiKeys, 'hg_$1_$2***'),
    add: (secrets) => {
      for (const secret of secrets.flatMap((one) => [one, encodeURIComponent(one)]))
        if (secret.length >= SHORTEST_SECRET) known.add(secret)
      // A secret that holds another goes first.
      hidden = [...known].sort((left, right) => right.length - left.length)
    },
  }
}
