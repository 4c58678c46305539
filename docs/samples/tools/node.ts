import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

const functions: Record<string, (input: { city: string }) => string> = {
  get_weather: () => 'sunny, 21 °C',
  get_time: () => '12:00',
}
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const tools: OpenAI.ChatCompletionTool[] = [
  { type: 'function', function: { name: 'get_weather', description: 'The weather in a city.', parameters } },
  { type: 'function', function: { name: 'get_time', description: 'The local time in a city.', parameters } },
]
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'user', content: 'What is the weather in Paris, and what time is it there?' },
]

const ask = async () => {
  const answer = await client.chat.completions.create({ model: 'demo', messages, tools, parallel_tool_calls: true })
  const message = answer.choices[0]?.message
  if (!message) throw new Error('The answer has no choice.')
  messages.push(message)
  return message
}

let message = await ask()
while (message.tool_calls) {
  for (const call of message.tool_calls) {
    if (call.type !== 'function') continue
    console.log(call.function.name, call.function.arguments)
    // A model may name a function that does not exist: tell it rather than fail.
    const run = functions[call.function.name] ?? (() => 'There is no such function.')
    messages.push({ role: 'tool', tool_call_id: call.id, content: run(JSON.parse(call.function.arguments)) })
  }
  message = await ask()
}
console.log(message.content)
