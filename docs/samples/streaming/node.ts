import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

// The client throws on an error inside the stream; a finish_reason says that the answer is whole.
const stream = await client.chat.completions.create({
  model: 'demo',
  messages: [{ role: 'user', content: 'Count to three.' }],
  stream: true,
  stream_options: { include_usage: true },
})
let finished = false
for await (const chunk of stream) {
  const choice = chunk.choices[0]
  process.stdout.write(choice?.delta.content ?? '')
  if (choice?.finish_reason) finished = true
  if (chunk.usage) {
    const { headgate } = chunk as typeof chunk & { headgate: { cost_usd: string | null } }
    console.log(`\n${chunk.usage.total_tokens} tokens, ${headgate.cost_usd} USD`)
  }
}
if (!finished) throw new Error('The stream was cut.')
