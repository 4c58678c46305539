import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

interface Event {
  title: string
  day: string
  guests: string[]
}
const schema = {
  type: 'object',
  properties: {
    title: { type: 'string' },
    day: { type: 'string', enum: ['Friday', 'Saturday', 'Sunday'] },
    guests: { type: 'array', items: { type: 'string' } },
  },
  required: ['title', 'day', 'guests'],
  additionalProperties: false,
}

const answer = await client.chat.completions.create({
  model: 'demo',
  messages: [{ role: 'user', content: 'Lunch with Ada and Grace on Friday.' }],
  response_format: { type: 'json_schema', json_schema: { name: 'event', strict: true, schema } },
})
const choice = answer.choices[0]
// A refusal, or an answer cut by the token limit, holds no whole object.
if (choice?.finish_reason !== 'stop' || !choice.message.content) {
  throw new Error(`no event: ${choice?.message.refusal ?? choice?.finish_reason}`)
}
const event: Event = JSON.parse(choice.message.content)
console.log(`${event.title}, ${event.day}, with ${event.guests.join(' and ')}`)
