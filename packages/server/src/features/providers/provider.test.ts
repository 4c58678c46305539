import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { describe } from 'vitest'
import { systemClock } from '../../kernel/clock.ts'
import { createAnthropicProvider } from './anthropic/anthropic.ts'
import { createAzureProvider } from './azure/azure.ts'
import { createBedrockProvider } from './bedrock/bedrock.ts'
import { createDemoProvider } from './demo/demo.ts'
import { createGeminiProvider } from './gemini/gemini.ts'
import { createOllamaProvider } from './ollama/ollama.ts'
import { createOpenAIProvider } from './openai/openai.ts'
import { createElevenLabsProvider } from './elevenlabs/elevenlabs.ts'
import { createHttpProvider } from './http/http.ts'
import { describeProvider } from './provider.conformance.ts'
import { describeSpeech } from './speech.conformance.ts'

const shared = {
  headers: {},
  streamUsage: true,
  secrets: [],
  timeouts: { connectMs: 1_000, firstByteMs: 5_000, idleMs: 5_000, totalMs: 10_000 },
  maxResponseBytes: 1_000_000,
  connections: 8,
  version: '0.1.0',
  clock: systemClock,
}

describeProvider('openai', async () => {
  const upstream = await startUpstream()
  const provider = createOpenAIProvider({ ...shared, name: 'up', baseUrl: `${upstream.url}/v1` })
  return {
    provider,
    upstream,
    chatModel: 'gpt-4o-mini',
    embeddingModel: 'text-embedding-3-small',
    close: () => provider.close().then(() => upstream.close()),
  }
})

describeProvider('anthropic', async () => {
  const upstream = await startUpstream()
  const provider = createAnthropicProvider({ ...shared, name: 'up', baseUrl: upstream.url })
  return {
    provider,
    upstream,
    thoughts: { told: true, counted: true },
    chatModel: 'claude-opus-5-5',
    embeddingModel: null,
    close: () => provider.close().then(() => upstream.close()),
  }
})

describeProvider('gemini', async () => {
  const upstream = await startUpstream()
  const provider = createGeminiProvider({ ...shared, name: 'up', baseUrl: upstream.url, apiKey: 'a-key' })
  return {
    provider,
    upstream,
    thoughts: { told: true, counted: true },
    chatModel: 'gemini-3-flash',
    embeddingModel: 'gemini-embedding-001',
    close: () => provider.close().then(() => upstream.close()),
  }
})

describeProvider('bedrock', async () => {
  const upstream = await startUpstream()
  const provider = createBedrockProvider({
    ...shared,
    name: 'up',
    baseUrl: upstream.url,
    apiKey: 'AKIDEXAMPLE:a/secret',
  })
  return {
    provider,
    upstream,
    thoughts: { told: true, counted: false },
    chatModel: 'amazon.nova-pro-v1:0',
    embeddingModel: 'amazon.titan-embed-text-v2:0',
    close: () => provider.close().then(() => upstream.close()),
  }
})

describe.each([undefined, '2025-04-01-preview'])('by the API version %s', (apiVersion) => {
  describeProvider('azure', async () => {
    const upstream = await startUpstream()
    const provider = createAzureProvider({ ...shared, name: 'up', baseUrl: upstream.url, apiKey: 'a-key', apiVersion })
    return {
      provider,
      upstream,
      chatModel: 'gpt-4o-mini',
      embeddingModel: 'text-embedding-3-small',
      close: () => provider.close().then(() => upstream.close()),
    }
  })
})

describeProvider('ollama', async () => {
  const upstream = await startUpstream()
  // Ollama's own list of installed models (ollama/docs/api.md), in front of the endpoint that it shares with OpenAI.
  const front = createServer((incoming, response) => {
    if (incoming.url === '/api/tags') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ models: [{ name: 'llama3.2:latest', modified_at: '2025-01-02T03:04:05Z' }] }))
      return
    }
    const { method, headers } = incoming
    const outgoing = httpRequest(`${upstream.url}${incoming.url ?? ''}`, { method, headers } as never, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  const provider = createOllamaProvider({
    ...shared,
    name: 'ollama',
    baseUrl: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
  })
  return {
    provider,
    upstream,
    chatModel: 'llama3.2:latest',
    embeddingModel: 'nomic-embed-text',
    close: async () => {
      await provider.close()
      front.close()
      front.closeAllConnections()
      await upstream.close()
    },
  }
})

describeProvider('demo', async () => {
  const provider = createDemoProvider({ name: 'demo', clock: systemClock })
  return { provider, chatModel: 'demo', embeddingModel: 'demo', close: () => provider.close() }
})

describeSpeech('openai', async () => {
  const upstream = await startUpstream()
  const provider = createOpenAIProvider({ ...shared, name: 'up', baseUrl: `${upstream.url}/v1` })
  const close = () => provider.close().then(upstream.close)
  return { provider, model: 'tts-1', voice: 'alloy', speaksOnly: false, upstream, close }
})

describeSpeech('demo', async () => {
  const provider = createDemoProvider({ name: 'demo', clock: systemClock })
  return { provider, model: 'demo', voice: 'alloy', speaksOnly: false, close: () => provider.close() }
})

describeSpeech('elevenlabs', async () => {
  const upstream = await startUpstream()
  const voices = { alloy: '21m00Tcm4TlvDq8ikWAM' }
  const provider = createElevenLabsProvider({ ...shared, name: 'up', baseUrl: upstream.url, apiKey: 'a-key', voices })
  const close = () => provider.close().then(upstream.close)
  return { provider, model: 'eleven_flash_v2_5', voice: 'alloy', speaksOnly: true, upstream, close }
})

describeSpeech('http', async () => {
  const upstream = await startUpstream()
  const speech = {
    method: 'POST',
    path: '/v1/audio/speech?by={model}',
    body: '{"model": {model}, "input": "{prompt}", "voice": {voice}, "response_format": {format}}',
    contentType: 'application/json',
    answer: { type: 'audio/*' },
  } as const
  const options = { ...shared, name: 'up', baseUrl: upstream.url, templates: { speech }, models: ['odd'] }
  const provider = createHttpProvider(options)
  const close = () => provider.close().then(upstream.close)
  return { provider, model: 'odd', voice: 'alloy', speaksOnly: true, upstream, close }
})
