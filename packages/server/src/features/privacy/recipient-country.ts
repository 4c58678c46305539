/** Where the companies of known hosts have their seat (ISO 3166-1); where data is kept may be elsewhere, as your contract says. */
const seats: Readonly<Record<string, string>> = {
  'api.openai.com': 'US',
  'api.anthropic.com': 'US',
  'api.groq.com': 'US',
  'api.x.ai': 'US',
  'api.together.xyz': 'US',
  'api.fireworks.ai': 'US',
  'api.cerebras.ai': 'US',
  'api.perplexity.ai': 'US',
  'api.elevenlabs.io': 'US',
  'openrouter.ai': 'US',
  'generativelanguage.googleapis.com': 'US',
  'api.mistral.ai': 'FR',
  'api.deepseek.com': 'CN',
}

/** Of a recipient: as the operator says by its name or host, else by the seat of a known company; null where neither is known. */
export const countryOf = (name: string, host: string, said: Readonly<Record<string, string>>): string | null =>
  said[name] ?? said[host] ?? seats[host] ?? null
