import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

try {
  const answer = await client.chat.completions.create({
    model: 'demo',
    messages: [{ role: 'user', content: 'Say hello in one sentence.' }],
  })
  console.log(answer.choices[0]?.message.content)
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
}
