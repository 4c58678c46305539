/** Planted texts: none of them may be found anywhere but where it was sent. No pattern knows those with dots. */
export const canaries = {
  adminKey: 'planted.admin.key.quiet.otter.river.0001',
  rootKey: 'planted.root.key.amber.heron.stone.0002',
  providerKey: 'planted.provider.key.misty.lamp.0003',
  providerHeader: 'planted.provider.header.copper.fox.0004',
  storedKey: 'planted.stored.key.silver.moth.0005',
  databasePassword: 'planted-database-password-0006',
  redisPassword: 'planted-redis-password-0007',
  callerHeader: 'planted.caller.header.green.wren.0008',
  query: 'planted.query.blue.finch.0009',
  strangersKey: 'planted.stranger.key.red.kite.0010',
  prompt: 'planted prompt: the violet tortoise sleeps 0011',
  email: 'planted.person.0012@example.org',
  toolArguments: 'planted tool arguments 0013',
  file: 'planted.configuration.value.0014',
} as const

/** What a caller sent and may be told back, by the model or about the request, never anybody else. */
export const ownToCaller: ReadonlySet<string> = new Set([canaries.prompt, canaries.email, canaries.toolArguments])

/** Forms in which a text survives being written. */
const formsOf = (text: string): string[] => [
  text,
  encodeURIComponent(text),
  Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1),
  Buffer.from(text).toString('hex'),
]

/** A text that was written somewhere, and the place. */
export interface Sink {
  readonly place: string
  readonly text: string
  /** The caller whose words these are reads it. */
  readonly isCallers?: boolean
}

/** Every canary that stands in a sink, with what stands before it. */
export const leaksIn = (sinks: readonly Sink[], more: readonly string[] = []): string[] =>
  sinks.flatMap(({ place, text, isCallers }) =>
    [...Object.values(canaries), ...more]
      .filter((canary) => !(isCallers === true && ownToCaller.has(canary)))
      .flatMap((canary) => {
        const form = formsOf(canary).find((one) => text.includes(one))
        if (form === undefined) return []
        const at = text.indexOf(form)
        return [`${canary} in ${place}: …${text.slice(Math.max(0, at - 120), at + form.length)}`]
      }),
  )
