/** What a provider can speak. */
export const providerKinds = [
  'openai',
  'anthropic',
  'azure',
  'bedrock',
  'gemini',
  'ollama',
  'elevenlabs',
  'http',
  'local',
  'demo',
] as const
export type ProviderKind = (typeof providerKinds)[number]
