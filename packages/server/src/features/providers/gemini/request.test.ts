import { describe, expect, it } from 'vitest'
import { requestOf } from '../__fixtures__/setting.ts'
import { translateEmbeddings } from './embeddings.ts'
import { translateRequest } from './request.ts'

const translate = (body: Record<string, unknown>, model = 'gemini-3-flash') => {
  const asked = { model: 'gemini/x', messages: [{ role: 'user', content: 'Hi' }], ...body }
  const { body: bytes, warning } = translateRequest(requestOf(JSON.stringify(asked)), model, null)
  return { body: JSON.parse(bytes.toString()) as Record<string, unknown>, warning }
}
const refusal = (work: () => unknown): [string, string[]] => {
  try {
    work()
  } catch (error) {
    const { code, options } = error as { code: string; options: { details: { location: string }[] } }
    return [code, options.details.map(({ location }) => location)]
  }
  throw new Error('expected a refusal')
}
const config = (body: Record<string, unknown>, model?: string) => translate(body, model).body['generationConfig']

describe('a request to Gemini', () => {
  it('carries what both protocols have', () => {
    const shared = { temperature: 1.5, top_p: 0.5, seed: 7, frequency_penalty: 1, presence_penalty: -1, n: 2 }
    expect(translate({ ...shared, stop: 'END', max_tokens: 9 })).toEqual({
      warning: null,
      body: {
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
        generationConfig: {
          temperature: 1.5,
          topP: 0.5,
          seed: 7,
          frequencyPenalty: 1,
          presencePenalty: -1,
          candidateCount: 2,
          stopSequences: ['END'],
          maxOutputTokens: 9,
        },
      },
    })
    expect(config({ response_format: { type: 'json_object' } })).toEqual({ responseMimeType: 'application/json' })
  })

  it('thinks by level, or by budget where the model is older', () => {
    const high = { reasoning_effort: 'high' }
    expect(config(high)).toEqual({ thinkingConfig: { thinkingLevel: 'high', includeThoughts: true } })
    const budget = { thinkingConfig: { thinkingBudget: 24_576, includeThoughts: true } }
    expect(config(high, 'gemini-2.5-pro')).toEqual(budget)
    expect(config({ reasoning_effort: 'none' }, 'gemini-2.5-flash')).toEqual({ thinkingConfig: { thinkingBudget: 0 } })
    expect(translate({ reasoning_effort: 'none' }).warning).toBe('not carried over: reasoning_effort')
  })

  it('names what it leaves out, and refuses instead where the caller is strict', () => {
    const lost = {
      logprobs: true,
      logit_bias: { 1: 2 },
      made_up: 1,
      user: 'someone',
      store: false,
      parallel_tool_calls: true,
    }
    expect(translate(lost).warning).toBe('not carried over: logprobs logit_bias made_up user')
    expect(refusal(() => translate({ ...lost, strict: true }))).toEqual([
      'unsupported_parameter',
      ['logprobs', 'logit_bias', 'made_up', 'user'],
    ])
    expect(refusal(() => translate({ audio: {}, functions: [{}] }))[0]).toBe('unsupported_parameter')
  })

  it('keeps the whole conversation: system, files, signed calls and their results', () => {
    const call = {
      id: 'c1',
      type: 'function',
      function: { name: 'look', arguments: '{"at":1}' },
      extra_content: { google: { thought_signature: 'sig' } },
    }
    const messages = [
      { role: 'system', content: 'Be short.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look.' },
          { type: 'image_url', image_url: { url: 'data:image/jpg;base64,QUJD' } },
          { type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,QUJD' } },
        ],
      },
      { role: 'assistant', content: null, tool_calls: [call, { ...call, id: 'c2', extra_content: null }] },
      { role: 'tool', tool_call_id: 'c1', content: '{"seen":true}' },
      { role: 'tool', tool_call_id: 'c2', content: 'nothing', is_error: true },
    ]
    const { body, warning } = translate({ messages })
    expect(warning).toBeNull()
    const asked = (id: string) => ({ functionCall: { id, name: 'look', args: { at: 1 } } })
    expect(body).toEqual({
      systemInstruction: { parts: [{ text: 'Be short.' }] },
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'Look.' },
            { inlineData: { mimeType: 'image/jpeg', data: 'QUJD' } },
            { inlineData: { mimeType: 'audio/wav', data: 'QUJD' } },
            { inlineData: { mimeType: 'application/pdf', data: 'QUJD' } },
          ],
        },
        { role: 'model', parts: [{ ...asked('c1'), thoughtSignature: 'sig' }, asked('c2')] },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: 'c1', name: 'look', response: { seen: true } } },
            { functionResponse: { id: 'c2', name: 'look', response: { error: 'nothing' } } },
          ],
        },
      ],
    })
  })

  it('refuses what it cannot fetch or place', () => {
    const image = { type: 'image_url', image_url: { url: 'https://example.org/a.png' } }
    const of = (...messages: unknown[]) => refusal(() => translate({ messages }))
    expect(of({ role: 'user', content: [image] })).toEqual([
      'unsupported_parameter',
      ['messages[0].content[0].image_url.url'],
    ])
    const result = { role: 'tool', tool_call_id: 'x', content: 'y' }
    expect(of({ role: 'user', content: 'a' }, result)).toEqual(['invalid_parameter', ['messages[1].tool_call_id']])
    expect(of({ role: 'someone', content: 'a' })[0]).toBe('unsupported_parameter')
    expect(of()).toEqual(['invalid_parameter', ['messages']])
  })

  it('offers tools as they may be chosen', () => {
    const tools = ['a', 'b'].map((name) => ({ type: 'function', function: { name } }))
    const choice = (tool_choice: unknown) => translate({ tools, tool_choice }).body['toolConfig']
    const calling = (mode: string, more = {}) => ({ functionCallingConfig: { mode, ...more } })
    expect(choice(undefined)).toBeUndefined()
    expect(choice('none')).toEqual(calling('NONE'))
    expect(choice('required')).toEqual(calling('ANY'))
    expect(choice({ type: 'function', function: { name: 'b' } })).toEqual(
      calling('ANY', { allowedFunctionNames: ['b'] }),
    )
    const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [tools[1]] } }
    expect(translate({ tools, tool_choice: allowed }).body).toMatchObject({
      tools: [{ functionDeclarations: [{ name: 'b' }] }],
    })
  })

  it('for vectors takes texts and a dimension', () => {
    const of = (body: object) => translateEmbeddings(Buffer.from(JSON.stringify({ model: 'm', ...body })), 'm')
    expect(JSON.parse(of({ input: ['a', 'b'], dimensions: 8, user: 'x' }).body.toString())).toEqual({
      requests: ['a', 'b'].map((text) => ({
        model: 'models/m',
        content: { parts: [{ text }] },
        outputDimensionality: 8,
      })),
    })
    expect(of({ input: 'a', user: 'x', encoding_format: 'base64' })).toMatchObject({
      warning: 'not carried over: user',
      isBase64: true,
    })
    expect(refusal(() => of({ input: [[1, 2]] }))).toEqual(['unsupported_parameter', ['input[0]']])
    expect(refusal(() => of({ input: 'a', user: 'x', strict: true }))[0]).toBe('unsupported_parameter')
  })
})
