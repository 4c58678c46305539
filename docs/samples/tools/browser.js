// In a page of an origin that the publishable key allows: <script type="module" src="browser.js"></script>
const url = globalThis.HEADGATE_URL ?? 'http://127.0.0.1:8787'
const key = globalThis.HEADGATE_KEY // a publishable key, hg_pk_…

/** Sends a request and returns the answer; throws the error of the answer. */
const call = async (path, body) => {
  const response = await fetch(url + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.error.code}: ${answer.error.message}`)
  return answer
}

const functions = {
  get_weather: () => 'sunny, 21 °C',
  get_time: () => '12:00',
}
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const tools = [
  { type: 'function', function: { name: 'get_weather', description: 'The weather in a city.', parameters } },
  { type: 'function', function: { name: 'get_time', description: 'The local time in a city.', parameters } },
]
const messages = [{ role: 'user', content: 'What is the weather in Paris, and what time is it there?' }]

const ask = async () => {
  const answer = await call('/v1/chat/completions', { model: 'demo', messages, tools, parallel_tool_calls: true })
  const { message } = answer.choices[0]
  messages.push(message)
  return message
}

let message = await ask()
while (message.tool_calls) {
  for (const { id, function: called } of message.tool_calls) {
    console.log(called.name, called.arguments)
    // A model may name a function that does not exist: tell it rather than fail.
    const run = functions[called.name] ?? (() => 'There is no such function.')
    messages.push({ role: 'tool', tool_call_id: id, content: run(JSON.parse(called.arguments)) })
  }
  message = await ask()
}
console.log(message.content)
