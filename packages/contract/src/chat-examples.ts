/** What answers of `POST /v1/chat/completions` look like, for the reference. */
export const completionExamples = [
  {
    id: 'chatcmpl-0199d2f0',
    object: 'chat.completion',
    created: 1_769_850_900,
    model: 'gpt-4o-mini',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'Hello! What can I do?', refusal: null },
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 9, completion_tokens: 6, total_tokens: 15 },
  },
]

/** A part of text, and the usage chunk that ends a stream. */
export const chunkExamples = [
  {
    id: 'chatcmpl-0199d2f0',
    object: 'chat.completion.chunk',
    created: 1_769_850_900,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello' }, finish_reason: null }],
  },
  {
    id: 'chatcmpl-0199d2f0',
    object: 'chat.completion.chunk',
    created: 1_769_850_900,
    model: 'gpt-4o-mini',
    choices: [],
    usage: { prompt_tokens: 9, completion_tokens: 6, total_tokens: 15 },
    headgate: {
      cost_usd: '0.00000495',
      model: 'gpt-4o-mini',
      provider: 'openai',
      attempts: 1,
      estimated: false,
      request_id: 'req_01KG9V6V80Q3M5YJ8T2N4R7WXA',
    },
  },
]

/** Bodies to begin with, by what they show. */
export const chatRequestExamples = {
  text: { summary: 'A question', value: { model: 'demo', messages: [{ role: 'user', content: 'Hello' }] } },
  stream: {
    summary: 'A stream that tells its cost',
    value: {
      model: 'demo',
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'system', content: 'Answer in one sentence.' },
        { role: 'user', content: 'Why is the sky blue?' },
      ],
    },
  },
  tools: {
    summary: 'A function that the model may call',
    value: {
      model: 'openai/gpt-4o-mini',
      messages: [{ role: 'user', content: 'What is the weather in Oslo?' }],
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
          },
        },
      ],
    },
  },
  image: {
    summary: 'A picture',
    value: {
      model: 'openai/gpt-4o-mini',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is in this picture?' },
            { type: 'image_url', image_url: { url: 'https://example.org/picture.png' } },
          ],
        },
      ],
    },
  },
}
