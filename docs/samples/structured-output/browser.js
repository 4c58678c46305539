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
const answer = await call('/v1/chat/completions', {
  model: 'demo',
  messages: [{ role: 'user', content: 'Lunch with Ada and Grace on Friday.' }],
  response_format: { type: 'json_schema', json_schema: { name: 'event', strict: true, schema } },
})
const { message, finish_reason: reason } = answer.choices[0]
// A refusal, or an answer cut by the token limit, holds no whole object.
if (reason !== 'stop' || message.refusal) throw new Error(`no event: ${message.refusal ?? reason}`)
const { title, day, guests } = JSON.parse(message.content)
console.log(`${title}, ${day}, with ${guests.join(' and ')}`)
