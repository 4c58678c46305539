import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, drain, faultOf, providersOf, secret } from '../__fixtures__/setting.ts'
import type { Providers } from '../providers.ts'

/** As in learn.microsoft.com/azure/ai-services/openai/concepts/content-filter, “Scenario details”. */
const filtered = {
  error: {
    message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    type: null,
    param: 'prompt',
    code: 'content_filter',
    status: 400,
    innererror: {
      code: 'ResponsibleAIPolicyViolation',
      content_filter_result: {
        hate: { filtered: true, severity: 'high' },
        jailbreak: { filtered: true, detected: true },
        violence: { filtered: false, severity: 'safe' },
      },
    },
  },
}
/** The same page, “Streaming”: annotations of the prompt come first, without any choice. */
const stream = [
  '{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"error":{"code":"content_filter_error"}}}]}',
  '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}',
  '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}',
  '[DONE]',
]
  .map((data) => `data: ${data}\n\n`)
  .join('')

const asked: { url: string; key: unknown; authorization: unknown; body: Record<string, unknown> }[] = []
const server = createServer((request, response) => {
  let text = ''
  request.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  request.on('end', () => {
    const body = JSON.parse(text) as Record<string, unknown>
    const { url = '', headers } = request
    asked.push({ url, key: headers['api-key'], authorization: headers.authorization, body })
    if (body['stream'] === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(stream)
      return
    }
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(filtered))
  })
})

describe('Azure OpenAI', () => {
  let providers: Providers
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const options = {
      kind: 'azure',
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      apiKey: secret('an-azure-key'),
    } as const
    providers = providersOf({ v1: options, dated: { ...options, apiVersion: '2025-04-01-preview' } })
  })
  beforeEach(() => {
    asked.length = 0
  })
  afterAll(async () => {
    await providers.close()
    server.close()
  })

  it('is asked by the v1 surface, or by deployments where a version is set, with its own header', async () => {
    await faultOf(ask(providers, 'v1/my gpt'))
    await faultOf(ask(providers, 'dated/my gpt'))
    expect(asked.map(({ url }) => url)).toEqual([
      '/openai/v1/chat/completions',
      '/openai/deployments/my%20gpt/chat/completions?api-version=2025-04-01-preview',
    ])
    for (const { key, authorization, body } of asked)
      expect([key, authorization, body['model']]).toEqual(['an-azure-key', undefined, 'my gpt'])
  })

  it('says which filters refused', async () => {
    const fault = await faultOf(ask(providers, 'v1/gpt-4o'))
    expect(fault.code).toBe('upstream_content_refused')
    expect(fault.options['detail']).toMatch(/Filtered: hate \(high\), jailbreak\.$/)
  })

  it('streams byte for byte, annotations included', async () => {
    const answer = await ask(providers, 'v1/gpt-4o', { stream: true })
    if (answer.kind !== 'events') throw new Error('expected a stream')
    expect(await drain(answer.source)).toBe(stream)
  })
})
