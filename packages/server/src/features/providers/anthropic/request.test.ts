import { describe, expect, it } from 'vitest'
import { refusalOf, translate } from './__fixtures__/translate.ts'

describe('tools', () => {
  const parameters = { type: 'object', properties: { n: { type: 'integer', minimum: 3 } }, required: ['n'] }
  const tool = (name: string, more = {}) => ({ type: 'function', function: { name, ...more } })
  const tools = [tool('a', { description: 'A.', parameters }), tool('b', { parameters, strict: true })]
  const chosen = (more: Record<string, unknown>) => translate({ tools, ...more }).body['tool_choice']

  it('keep their schema; strict ones get one that Anthropic takes', () => {
    expect(translate({ tools }).body['tools']).toEqual([
      { name: 'a', description: 'A.', input_schema: parameters },
      {
        name: 'b',
        strict: true,
        input_schema: {
          type: 'object',
          properties: { n: { type: 'integer', description: '{minimum: 3}' } },
          required: ['n'],
          additionalProperties: false,
        },
      },
    ])
    expect(translate({ tools: [tool('c')] }).body['tools']).toEqual([
      { name: 'c', input_schema: { type: 'object', properties: {} } },
    ])
  })

  it('are chosen as asked', () => {
    expect(chosen({})).toBeUndefined()
    expect(chosen({ tool_choice: 'auto' })).toEqual({ type: 'auto' })
    expect(chosen({ tool_choice: 'none' })).toEqual({ type: 'none' })
    expect(chosen({ tool_choice: 'required' })).toEqual({ type: 'any' })
    expect(chosen({ tool_choice: tool('b') })).toEqual({ type: 'tool', name: 'b' })
    expect(chosen({ parallel_tool_calls: true })).toBeUndefined()
    expect(chosen({ parallel_tool_calls: false })).toEqual({ type: 'auto', disable_parallel_tool_use: true })
    expect(chosen({ tool_choice: 'required', parallel_tool_calls: false })).toEqual({
      type: 'any',
      disable_parallel_tool_use: true,
    })
    expect(chosen({ tool_choice: 'none', parallel_tool_calls: false })).toEqual({ type: 'none' })
    const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [tool('b')] } }
    expect(translate({ tools, tool_choice: allowed }).body).toMatchObject({
      tools: [{ name: 'b' }],
      tool_choice: { type: 'any' },
    })
  })

  it('other than functions are refused', () => {
    expect(refusalOf({ tools: [{ type: 'custom', custom: { name: 'x' } }] })).toEqual([
      'unsupported_parameter',
      ['tools[0].type'],
    ])
    expect(refusalOf({ tools, tool_choice: 'perhaps' })).toEqual(['invalid_parameter', ['tool_choice']])
  })
})

describe('reasoning', () => {
  const older = { abilities: { adaptive: false, budgeted: true, disabled: true, efforts: [] } }

  it('becomes adaptive thinking and an effort that the model knows', () => {
    expect(translate({ reasoning_effort: 'xhigh' }).body).toMatchObject({
      thinking: { type: 'adaptive', display: 'summarized' },
      output_config: { effort: 'high' },
    })
    expect(translate({ reasoning_effort: 'minimal' }).body).toMatchObject({ output_config: { effort: 'low' } })
    expect(translate({ reasoning_effort: 'none' }).body['thinking']).toEqual({ type: 'disabled' })
    expect(translate({}).body).not.toHaveProperty('thinking')
  })

  it('becomes a budget within the output cap where the model takes none other', () => {
    const asked = { reasoning_effort: 'medium', max_tokens: 10_000 }
    expect(translate(asked, older).body['thinking']).toEqual({ type: 'enabled', budget_tokens: 5_000 })
    const small = translate({ reasoning_effort: 'high', max_tokens: 1_024 }, older)
    expect(small.body).not.toHaveProperty('thinking')
    expect(small.warning).toBe('not carried over: reasoning_effort')
  })

  it('yields to thinking as Anthropic words it', () => {
    const thinking = { type: 'enabled', budget_tokens: 2_000 }
    expect(translate({ thinking, reasoning_effort: 'low' }).body).toMatchObject({
      thinking,
      output_config: { effort: 'low' },
    })
  })
})

describe('the rest', () => {
  it('goes where Anthropic has it', () => {
    const { body, warning } = translate({
      stop: ['END', ' '],
      user: 'u-1',
      service_tier: 'default',
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } },
      n: 1,
      store: false,
      logit_bias: {},
      temperature: 1,
      seed: null,
    })
    expect(body).toMatchObject({
      model: 'x',
      max_tokens: 100,
      stop_sequences: ['END'],
      metadata: { user_id: 'u-1' },
      service_tier: 'standard_only',
      output_config: {
        format: { type: 'json_schema', schema: { type: 'object', properties: {}, additionalProperties: false } },
      },
    })
    expect(body).not.toHaveProperty('temperature')
    expect(warning).toBe('not carried over: stop')
  })

  it('is named where it has no counterpart, and refused with strict', () => {
    const lossy = { seed: 7, logprobs: true, temperature: 0.5, made_up: 1, 'bad\r\nname': 1 }
    expect(translate(lossy).warning).toBe('not carried over: seed logprobs temperature made_up bad??name')
    expect(refusalOf({ ...lossy, strict: true })).toEqual([
      'unsupported_parameter',
      ['seed', 'logprobs', 'temperature', 'made_up', 'bad??name'],
    ])
    expect(translate({ strict: true }).warning).toBeNull()
    expect(translate({ strict: true }).body).not.toHaveProperty('strict')
    expect(refusalOf({ strict: 'yes' })).toEqual(['invalid_parameter', ['strict']])
  })

  it('is refused where its loss would make another answer', () => {
    expect(refusalOf({ n: 2, audio: {}, modalities: ['audio'], speed: 'fast', seed: 1 })).toEqual([
      'unsupported_parameter',
      ['n', 'audio', 'modalities', 'speed'],
    ])
  })

  it('samples where the API version still does, up to 1', () => {
    expect(translate({ temperature: 1.6, top_p: 0.9 }, { sampling: true })).toMatchObject({
      body: { temperature: 1, top_p: 0.9 },
      warning: 'not carried over: temperature',
    })
  })

  it('does not name more than a header should hold', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]))
    const { warning } = translate(many)
    expect(warning).toContain('x19 and 480 more')
    expect(warning).not.toContain('x20')
  })
})
