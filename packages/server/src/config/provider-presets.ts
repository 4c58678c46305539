/** A public service that works as soon as its key is in the environment. */
export type ProviderPreset = {
  name: string
  kind: 'openai' | 'anthropic' | 'azure' | 'gemini' | 'elevenlabs'
  /** Environment variable with the key; absent: a server of one's own, there when the file names it. */
  key?: string
  /** Absent: the variable of the address must be set too. */
  base_url?: string
  /** Environment variable that replaces the address, where the service's own client libraries honour one. */
  base_url_variable?: string
}

/** Where Anthropic itself answers. */
export const anthropicAddress = 'https://api.anthropic.com'

/** Where Google's Gemini API answers. */
export const geminiAddress = 'https://generativelanguage.googleapis.com'

/** Where ElevenLabs answers. */
export const elevenLabsAddress = 'https://api.elevenlabs.io'

/** Where Bedrock answers in a region (docs.aws.amazon.com/general/latest/gr/bedrock.html). */
export const bedrockAddress = (region: string): string => `https://bedrock-runtime.${region}.amazonaws.com`

/** Addresses as each service documents them for the clients of its protocol. */
export const providerPresets: readonly ProviderPreset[] = [
  {
    name: 'openai',
    kind: 'openai',
    key: 'OPENAI_API_KEY',
    base_url: 'https://api.openai.com/v1',
    base_url_variable: 'OPENAI_BASE_URL',
  },
  {
    name: 'anthropic',
    kind: 'anthropic',
    key: 'ANTHROPIC_API_KEY',
    base_url: anthropicAddress,
    base_url_variable: 'ANTHROPIC_BASE_URL',
  },
  { name: 'gemini', kind: 'gemini', key: 'GEMINI_API_KEY', base_url: geminiAddress },
  { name: 'elevenlabs', kind: 'elevenlabs', key: 'ELEVENLABS_API_KEY', base_url: elevenLabsAddress },
  { name: 'azure', kind: 'azure', key: 'AZURE_OPENAI_API_KEY', base_url_variable: 'AZURE_OPENAI_ENDPOINT' },
  { name: 'groq', kind: 'openai', key: 'GROQ_API_KEY', base_url: 'https://api.groq.com/openai/v1' },
  { name: 'mistral', kind: 'openai', key: 'MISTRAL_API_KEY', base_url: 'https://api.mistral.ai/v1' },
  { name: 'openrouter', kind: 'openai', key: 'OPENROUTER_API_KEY', base_url: 'https://openrouter.ai/api/v1' },
  { name: 'together', kind: 'openai', key: 'TOGETHER_API_KEY', base_url: 'https://api.together.xyz/v1' },
  { name: 'deepseek', kind: 'openai', key: 'DEEPSEEK_API_KEY', base_url: 'https://api.deepseek.com/v1' },
  {
    name: 'pollinations',
    kind: 'openai',
    key: 'POLLINATIONS_API_KEY',
    base_url: 'https://gen.pollinations.ai/v1',
  },
  { name: 'xai', kind: 'openai', key: 'XAI_API_KEY', base_url: 'https://api.x.ai/v1' },
  { name: 'fireworks', kind: 'openai', key: 'FIREWORKS_API_KEY', base_url: 'https://api.fireworks.ai/inference/v1' },
  { name: 'cerebras', kind: 'openai', key: 'CEREBRAS_API_KEY', base_url: 'https://api.cerebras.ai/v1' },
  { name: 'perplexity', kind: 'openai', key: 'PERPLEXITY_API_KEY', base_url: 'https://api.perplexity.ai' },
  { name: 'vllm', kind: 'openai', base_url: 'http://127.0.0.1:8000/v1' },
  { name: 'llamacpp', kind: 'openai', base_url: 'http://127.0.0.1:8080/v1' },
  { name: 'lmstudio', kind: 'openai', base_url: 'http://127.0.0.1:1234/v1' },
]

/** Where an Ollama listens when nobody moved it. */
export const ollamaAddress = 'http://127.0.0.1:11434'
