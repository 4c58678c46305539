import { describe, expect, it } from 'vitest'
import { requestOf } from '../__fixtures__/setting.ts'
import { bedrockFault } from './faults.ts'
import { translateRequest } from './request.ts'

const translate = (body: Record<string, unknown>, model = 'amazon.nova-pro-v1:0') => {
  const asked = { model: 'bedrock/x', messages: [{ role: 'user', content: 'Hi' }], ...body }
  const { body: bytes, warning } = translateRequest(requestOf(JSON.stringify(asked)), model, null)
  return { body: JSON.parse(bytes.toString()) as Record<string, unknown>, warning }
}
const refusal = (body: Record<string, unknown>): [string, string[]] => {
  try {
    translate(body)
  } catch (error) {
    const { code, options } = error as { code: string; options: { details: { location: string }[] } }
    return [code, options.details.map(({ location }) => location)]
  }
  throw new Error('expected a refusal')
}

describe('a request to Bedrock', () => {
  it('carries what both protocols have', () => {
    const schema = { type: 'object', properties: {} }
    const format = { type: 'json_schema', json_schema: { name: 'thing', schema, strict: true } }
    const shared = { temperature: 0.5, top_p: 0.5, stop: ['a', 'b'], max_completion_tokens: 9 }
    expect(translate({ ...shared, response_format: format })).toEqual({
      warning: null,
      body: {
        messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
        inferenceConfig: { maxTokens: 9, temperature: 0.5, topP: 0.5, stopSequences: ['a', 'b'] },
        outputConfig: {
          textFormat: {
            type: 'json_schema',
            structure: { jsonSchema: { schema: JSON.stringify(schema), name: 'thing' } },
          },
        },
      },
    })
    const fields = { additionalModelRequestFields: { top_k: 5 }, reasoning_effort: 'low' }
    expect(translate(fields, 'openai.gpt-oss-120b-1:0').body['additionalModelRequestFields']).toEqual({
      top_k: 5,
      reasoning_effort: 'low',
    })
  })

  it('names what it leaves out, and refuses instead where the caller is strict', () => {
    const lost = {
      seed: 1,
      temperature: 1.5,
      reasoning_effort: 'low',
      response_format: { type: 'json_object' },
      made_up: 1,
    }
    const places = ['seed', 'made_up', 'temperature', 'response_format', 'reasoning_effort']
    expect(translate(lost).warning).toBe(`not carried over: ${places.join(' ')}`)
    expect(refusal({ ...lost, strict: true })).toEqual(['unsupported_parameter', places])
    expect(refusal({ n: 2 })).toEqual(['unsupported_parameter', ['n']])
    expect(refusal({ strict: 'yes' })).toEqual(['invalid_parameter', ['strict']])
  })

  it('keeps the whole conversation: thoughts, calls, results, files and marks for the cache', () => {
    const call = { id: 'c:1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }
    const messages = [
      { role: 'system', content: 'Be short.', cache_control: { type: 'ephemeral' } },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/webp;base64,QUJD' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,QUJD', filename: 'a_b?.pdf' } },
        ],
      },
      {
        role: 'assistant',
        thinking_blocks: [
          { type: 'thinking', thinking: 'Hm.', signature: 's' },
          { type: 'redacted_thinking', data: 'QQ==' },
        ],
        tool_calls: [call],
      },
      { role: 'tool', tool_call_id: 'c:1', content: 'nothing', is_error: true },
      { role: 'user', content: 'And?' },
    ]
    const { body, warning } = translate({ messages })
    expect(warning).toBeNull()
    expect(body).toEqual({
      system: [{ text: 'Be short.' }, { cachePoint: { type: 'default' } }],
      messages: [
        {
          role: 'user',
          content: [
            { image: { format: 'webp', source: { bytes: 'QUJD' } } },
            { document: { format: 'pdf', name: 'a-b-pdf', source: { bytes: 'QUJD' } } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { reasoningContent: { reasoningText: { text: 'Hm.', signature: 's' } } },
            { reasoningContent: { redactedContent: 'QQ==' } },
            { toolUse: { toolUseId: 'c_1', name: 'look', input: { at: 1 } } },
          ],
        },
        {
          role: 'user',
          content: [
            { toolResult: { toolUseId: 'c_1', content: [{ text: 'nothing' }], status: 'error' } },
            { text: 'And?' },
          ],
        },
      ],
    })
  })

  it('offers tools as they may be chosen', () => {
    const tools = ['a', 'b'].map((name) => ({ type: 'function', function: { name } }))
    const choice = (tool_choice: unknown) =>
      (translate({ tools, tool_choice }).body['toolConfig'] as Record<string, unknown> | undefined)?.['toolChoice']
    expect(choice('auto')).toBeUndefined()
    expect(choice('required')).toEqual({ any: {} })
    expect(choice({ type: 'function', function: { name: 'b' } })).toEqual({ tool: { name: 'b' } })
    expect(translate({ tools, tool_choice: 'none' }).body['toolConfig']).toBeUndefined()
    const call = { id: 'c', type: 'function', function: { name: 'a', arguments: '{}' } }
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'b' },
    ]
    expect(translate({ tools, tool_choice: 'none', messages }).warning).toBe('not carried over: tool_choice')
  })

  it('refuses what it cannot fetch or does not know', () => {
    const part = (more: object) => refusal({ messages: [{ role: 'user', content: [more] }] })
    const image = (url: string) => part({ type: 'image_url', image_url: { url } })
    expect(image('https://example.org/a.png')[0]).toBe('unsupported_parameter')
    expect(image('data:image/bmp;base64,QUJD')[0]).toBe('invalid_parameter')
    expect(part({ type: 'input_audio', input_audio: {} })[0]).toBe('unsupported_parameter')
    expect(part({ type: 'hologram' })[0]).toBe('invalid_parameter')
  })
})

describe('an error of Bedrock’s', () => {
  it.each([
    [400, 'The provided model identifier is invalid.', 'model_not_found'],
    [400, 'Input is too long: too many tokens', 'context_length_exceeded'],
    [403, 'The security token included in the request is invalid.', 'provider_auth_failed'],
    [404, 'Could not resolve the foundation model', 'model_not_found'],
    [424, 'The model returned an error', 'upstream_error'],
    [429, 'Too many tokens, please wait before trying again.', 'upstream_rate_limited'],
  ])('with %i, %s', (status, message, code) => {
    expect(bedrockFault(status, { message }, undefined, [])).toMatchObject({ code, upstreamStatus: status })
  })
})
