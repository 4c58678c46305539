import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
// The client tries again by itself on 408, 409, 429 and 5xx, waits as long as Retry-After says, and obeys x-should-retry.
const client = new OpenAI({
  baseURL: `${url}/v1`,
  apiKey: process.env['HEADGATE_API_KEY'],
  maxRetries: 3,
  timeout: 120_000,
})

const chat = (model: string, content: string) =>
  client.chat.completions.create({ model, messages: [{ role: 'user', content }] })

for (const question of ['Hello', 'Hello again']) {
  await chat('demo', question)
  console.log(`answered: ${question}`)
}

try {
  await chat('no-such-model', 'Hello')
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error
  // Decide by error.code: it never changes its meaning.
  const { message, doc_url: page } = error.error as { message: string; doc_url: string }
  console.log(`${error.status} ${error.code}: ${message}`)
  console.log(`request ${error.requestID}, see ${page}`)
}
