// A conversation in the terminal. Ctrl-C ends an answer, Ctrl-D the conversation.
import { createInterface } from 'node:readline'
import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
// Before the first part the client tries again by itself, as Retry-After says.
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'], maxRetries: 3 })

const messages: OpenAI.ChatCompletionMessageParam[] = []
let answering: AbortController | undefined
process.on('SIGINT', () => (answering ? answering.abort() : process.exit(130)))

interface UsageList {
  budget: { spent_usd: string; limit_usd: string } | null
}
const budget = async (): Promise<string> => {
  const usage = await client.get<UsageList>('/usage?limit=1')
  return usage.budget ? `; ${usage.budget.spent_usd} of ${usage.budget.limit_usd} USD spent` : ''
}

/** Shows an answer as it comes and returns it; throws when it is not whole. */
const answer = async (signal: AbortSignal): Promise<string> => {
  const stream = await client.chat.completions.create(
    { model: 'demo', messages, stream: true, stream_options: { include_usage: true } },
    { signal },
  )
  let text = ''
  let finished = false
  for await (const chunk of stream) {
    const part = chunk.choices[0]?.delta.content ?? ''
    process.stdout.write(part)
    text += part
    if (chunk.choices[0]?.finish_reason) finished = true
    if (chunk.usage) {
      const { headgate } = chunk as typeof chunk & { headgate: { cost_usd: string | null } }
      process.stdout.write(`\n[${chunk.usage.total_tokens} tokens, ${headgate.cost_usd} USD`)
    }
  }
  if (!finished) throw new Error(signal.aborted ? 'aborted' : 'the stream was cut')
  console.log(`${await budget()}]`)
  return text
}

process.stdout.write('You: ')
for await (const question of createInterface({ input: process.stdin })) {
  messages.push({ role: 'user', content: question })
  process.stdout.write('Model: ')
  answering = new AbortController()
  try {
    messages.push({ role: 'assistant', content: await answer(answering.signal) })
  } catch (error) {
    messages.pop()
    console.log(`\n[no whole answer: ${(error as Error).message}]`)
  }
  answering = undefined
  process.stdout.write('You: ')
}
console.log()
