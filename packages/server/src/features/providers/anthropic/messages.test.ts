import { describe, expect, it } from 'vitest'
import { refusalOf, translate, turns } from './__fixtures__/translate.ts'

describe('a conversation', () => {
  it('has its system and developer messages apart, in order', () => {
    const { body, warning } = translate({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
        { role: 'user', content: 'Hi' },
      ],
    })
    expect(body['system']).toEqual([
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Be kind.' },
    ])
    expect(body['messages']).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }])
    expect(warning).toBeNull()
  })

  it('moves a late system message to the front, and says so', () => {
    const { body, warning } = translate({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'system', content: 'Now in German.' },
      ],
    })
    expect(body['system']).toEqual([{ type: 'text', text: 'Now in German.' }])
    expect(warning).toBe('not carried over: messages[1].role')
  })

  it('joins the neighbouring turns of one side, and leaves out what is blank', () => {
    expect(
      turns([
        { role: 'user', content: 'One' },
        { role: 'user', content: ' ' },
        { role: 'user', content: [{ type: 'text', text: 'Two' }] },
        { role: 'assistant', content: '' },
        { role: 'assistant', content: 'Three  \n' },
      ]),
    ).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'One' },
          { type: 'text', text: 'Two' },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'Three' }] },
    ])
  })

  it('gives several tool results of one turn in one turn, before what the user says then', () => {
    const call = (id: string, text: string) => ({ id, type: 'function', function: { name: 'f', arguments: text } })
    expect(
      turns([
        { role: 'user', content: 'Go' },
        { role: 'assistant', content: null, tool_calls: [call('call:1', '{"a":1}'), call('call_2', '')] },
        { role: 'tool', tool_call_id: 'call:1', content: 'one' },
        { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'two' }], is_error: true },
        { role: 'user', content: 'And?' },
      ]),
    ).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Go' }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'call_1', name: 'f', input: { a: 1 } },
          { type: 'tool_use', id: 'call_2', name: 'f', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_1', content: [{ type: 'text', text: 'one' }] },
          { type: 'tool_result', tool_use_id: 'call_2', content: [{ type: 'text', text: 'two' }], is_error: true },
          { type: 'text', text: 'And?' },
        ],
      },
    ])
  })

  it('gives thinking back before anything else, unchanged', () => {
    const thinking_blocks = [
      { type: 'thinking', thinking: 'Hm.', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
    ]
    expect(
      turns([
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Yes', reasoning_content: 'Hm.', thinking_blocks },
        { role: 'user', content: 'Why?' },
      ]),
    ).toContainEqual({ role: 'assistant', content: [...thinking_blocks, { type: 'text', text: 'Yes' }] })
  })

  it('shows images and documents', () => {
    const file = (file_data: string) => ({ type: 'file', file: { file_data, filename: 'a.pdf' } })
    expect(
      turns([
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/jpg;base64,AAAA' } },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
            file('data:application/pdf;base64,BBBB'),
            file(`data:text/plain;charset=utf-8;base64,${Buffer.from('Grüße').toString('base64')}`),
          ],
        },
      ]),
    ).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AAAA' } },
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
          {
            type: 'document',
            source: { type: 'base64', media_type: 'application/pdf', data: 'BBBB' },
            title: 'a.pdf',
          },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' }, title: 'a.pdf' },
        ],
      },
    ])
  })

  it('marks what shall be cached, in either protocol’s words', () => {
    const cache_control = { type: 'ephemeral', ttl: '1h' }
    const { body } = translate({
      messages: [
        { role: 'system', content: 'Long.', cache_control },
        {
          role: 'user',
          content: [{ type: 'text', text: 'Hi', prompt_cache_breakpoint: { mode: 'explicit', ttl: '12h' } }],
        },
      ],
      tools: [{ type: 'function', function: { name: 'f' }, cache_control: { type: 'ephemeral' } }],
      cache_control: { type: 'ephemeral' },
    })
    expect(body).toMatchObject({
      system: [{ text: 'Long.', cache_control }],
      messages: [{ content: [{ text: 'Hi', cache_control }] }],
      tools: [{ name: 'f', cache_control: { type: 'ephemeral' } }],
      cache_control: { type: 'ephemeral' },
    })
  })

  it.each<[string, unknown[], string, string]>([
    [
      'audio',
      [{ type: 'input_audio', input_audio: {} }],
      'unsupported_parameter',
      'messages[0].content[0].input_audio',
    ],
    [
      'a file by its id',
      [{ type: 'file', file: { file_id: 'f' } }],
      'unsupported_parameter',
      'messages[0].content[0].file.file_id',
    ],
    [
      'a plain http image',
      [{ type: 'image_url', image_url: { url: 'http://a/b' } }],
      'invalid_parameter',
      'messages[0].content[0].image_url.url',
    ],
    [
      'an image of no known type',
      [{ type: 'image_url', image_url: { url: 'data:image/tiff;base64,A' } }],
      'invalid_parameter',
      'messages[0].content[0].image_url.url',
    ],
    [
      'a spreadsheet',
      [{ type: 'file', file: { file_data: 'data:application/zip;base64,A' } }],
      'invalid_parameter',
      'messages[0].content[0].file.file_data',
    ],
    ['an unknown part', [{ type: 'smell' }], 'invalid_parameter', 'messages[0].content[0].type'],
    ['text that is none', [{ type: 'text', text: 7 }], 'invalid_parameter', 'messages[0].content[0].text'],
  ])('refuses %s, with its place', (_, content, code, location) => {
    expect(refusalOf({ messages: [{ role: 'user', content }] })).toEqual([code, [location]])
  })

  it('refuses what no turn can be made of', () => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '[1]' } }
    expect(refusalOf({ messages: [{ role: 'system', content: 'x' }] })).toEqual(['invalid_parameter', ['messages']])
    expect(refusalOf({ messages: [{ role: 'tool', content: 'x' }] })).toEqual([
      'invalid_parameter',
      ['messages[0].tool_call_id'],
    ])
    expect(refusalOf({ messages: [{ role: 'function', content: 'x' }] })).toEqual([
      'unsupported_parameter',
      ['messages[0].role'],
    ])
    expect(refusalOf({ messages: [{ role: 'assistant', tool_calls: [call] }] })).toEqual([
      'invalid_parameter',
      ['messages[0].tool_calls[0].function.arguments'],
    ])
  })
})
