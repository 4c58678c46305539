import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

const { response } = await client.chat.completions
  .create({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] })
  .withResponse()

const remaining = Number(response.headers.get('x-ratelimit-remaining'))
const seconds = Number(response.headers.get('x-ratelimit-reset'))
console.log(`${remaining} of ${response.headers.get('x-ratelimit-limit')} requests left`)
// Nothing left: better wait than be refused.
if (remaining === 0) await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
console.log(`as many as ever in ${seconds} s at most`)
