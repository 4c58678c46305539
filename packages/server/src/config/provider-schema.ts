import { Type } from 'typebox'
import { providerKinds } from '../domain/provider-kind.ts'
import { TemplatesSchema } from './template-schema.ts'
import { authorities, count, group, milliseconds, named, proxyLogin, url } from './schema-parts.ts'

/** One provider of the configuration. */
export const ProviderSchema = group(
  {
    kind: Type.Enum([...providerKinds], {
      description:
        'What it speaks: `openai` for any OpenAI-compatible server, `anthropic`, `azure` (Azure OpenAI), `bedrock`, `gemini`, `ollama`, `elevenlabs` (speech), `http` (by `templates`), `local` (engines of this machine), or the built-in `demo`.',
    }),
    base_url: Type.Optional(url('Address up to the version, such as `https://api.openai.com/v1`.')),
    api_key: Type.Optional(Type.String({ minLength: 1, 'x-secret': true, description: 'Key sent upstream.' })),
    api_keys: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        maxItems: 20,
        'x-secret': true,
        description: 'Further keys: the next is used when one is asked for too much (429) or refused (401, 403).',
      }),
    ),
    api_version: Type.Optional(
      Type.String({
        pattern: '^[0-9A-Za-z.-]{1,40}$',
        description: 'Of `azure`: calls go to deployments by this API version; absent: by the v1 surface.',
      }),
    ),
    models: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'Offer these models only; absent: all it lists.' }),
    ),
    voices: Type.Optional(
      named('^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$', Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }), {
        description: 'Of `elevenlabs`: ids of voices by the names that callers write.',
      }),
    ),
    templates: Type.Optional(TemplatesSchema),
    headers: Type.Optional(
      named('^[A-Za-z0-9-]{1,64}$', Type.String({ 'x-secret': true }), { description: 'Headers added upstream.' }),
    ),
    proxy: Type.Optional(
      Type.String({
        'x-check': 'proxy-url',
        description: 'HTTP proxy that calls go through, in place of `upstream.proxy`; `none`: no proxy.',
      }),
    ),
    proxy_login: Type.Optional(proxyLogin('`user:password` for the `proxy` of this provider.')),
    ca: Type.Optional(authorities),
    stream_usage: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          'Ask for the usage of every stream (default). `false`: for servers that refuse `stream_options`; tokens are counted here.',
      }),
    ),
    dialect: Type.Optional(
      Type.Enum(['mistral'], {
        description:
          'Of `openai`: the words of Mistral, for a proxy before it; `api.mistral.ai` is known by its address.',
      }),
    ),
    fetch_images: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Fetch pictures that a request names by address here, guarded, and send their bytes: for a server that would fetch from within your network.',
      }),
    ),
    concurrency: Type.Optional(
      group(
        {
          initial: Type.Optional(count('Calls under way until more is known of the provider; absent: `max`.')),
          min: Type.Optional(count('Least that the limit falls to; absent: 32, or `initial` where that is less.')),
          max: Type.Optional(count('Most calls under way; absent: `upstream.connections`.')),
          adaptive: Type.Optional(
            Type.Boolean({
              default: true,
              description:
                'Lower the limit while answers become slow or the provider is out of capacity (default). `false`: always `max`.',
            }),
          ),
        },
        'Calls under way at this provider, streams until their end; more wait in line.',
      ),
    ),
    timeouts: Type.Optional(
      group(
        {
          connect_ms: Type.Optional(milliseconds('Time to connect.')),
          first_byte_ms: Type.Optional(milliseconds('Time to the first byte of the answer.')),
          idle_ms: Type.Optional(milliseconds('Longest silence inside an answer.')),
          total_ms: Type.Optional(milliseconds('Longest whole call.')),
        },
        'Timeouts of this provider where they differ.',
      ),
    ),
  },
  'A model provider.',
)

/** Whether this machine is looked over for engines. */
export const localEngines = Type.Boolean({
  default: false,
  description:
    'Look for engines on this machine, and offer them as models of the provider `local`: embeddings from npm packages, speech by espeak-ng and flite, transcripts by pocketsphinx. Also look for an Ollama and a llama.cpp server on their usual ports of loopback.',
})
