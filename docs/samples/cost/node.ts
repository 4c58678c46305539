import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

interface Usage {
  cost_usd: string | null
  input_tokens: number
  output_tokens: number
  outcome: string
}
interface UsageList {
  totals: { requests: number; cost_usd: string }
  budget: { spent_usd: string; limit_usd: string } | null
}

const { response } = await client.chat.completions
  .create({ model: 'demo', messages: [{ role: 'user', content: 'What do you cost?' }] })
  .withResponse()

const usage = await client.get<Usage>(`/usage/${response.headers.get('x-request-id')}`)
console.log(
  `${usage.cost_usd} USD for ${usage.input_tokens} tokens in and ${usage.output_tokens} out (${usage.outcome})`,
)
const { totals, budget } = await client.get<UsageList>('/usage?limit=1')
console.log(`${totals.requests} calls, ${totals.cost_usd} USD in all`)
console.log(budget ? `${budget.spent_usd} of ${budget.limit_usd} USD of the budget spent` : 'no budget')
