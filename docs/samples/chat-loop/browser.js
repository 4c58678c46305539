// In a page of an origin that the publishable key allows: <script type="module" src="browser.js"></script>
const url = globalThis.HEADGATE_URL ?? 'http://127.0.0.1:8787'
const key = globalThis.HEADGATE_KEY // a publishable key, hg_pk_…
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }

/** Posts; tries again, as Retry-After says, where that can help. Throws the error of the answer. */
const send = async (path, body, signal, tries = 4) => {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body), signal })
    if (response.ok) return response
    const { error } = await response.json()
    const passing = [408, 429].includes(response.status) || response.status >= 500
    if (!passing || attempt === tries || response.headers.get('x-should-retry') === 'false') {
      throw new Error(`${error.code}: ${error.message}`)
    }
    const backoff = 0.5 * 2 ** attempt * (0.75 + Math.random() / 4)
    const seconds = Number(response.headers.get('retry-after') ?? backoff)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    signal.throwIfAborted()
  }
}

/** The parts of a streamed answer; throws when it fails or is cut. */
async function* parts(messages, signal) {
  const body = { model: 'demo', messages, stream: true, stream_options: { include_usage: true } }
  const response = await send('/v1/chat/completions', body, signal)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const lines = (rest + read.value).split('\n')
    rest = lines.pop() // begun, but not yet ended
    for (const line of lines) {
      if (line === 'data: [DONE]') return
      if (!line.startsWith('data: ')) continue
      const part = JSON.parse(line.slice('data: '.length))
      if (part.error) throw new Error(`${part.error.code}: ${part.error.message}`)
      yield part
    }
  }
  throw new Error('the stream was cut')
}

const messages = []

/** Adds a question and its answer to the conversation; `show` gets the answer so far. Returns tokens and cost. */
const ask = async (question, show, signal) => {
  const asked = [...messages, { role: 'user', content: question }]
  let text = ''
  let bill = ''
  for await (const part of parts(asked, signal)) {
    text += part.choices[0]?.delta.content ?? ''
    show(text)
    if (part.usage) bill = `${part.usage.total_tokens} tokens, ${part.headgate.cost_usd} USD`
  }
  // Only a whole answer becomes part of the conversation.
  messages.push(asked.at(-1), { role: 'assistant', content: text })
  return bill
}

// The budget is shown to secret keys only (GET /v1/usage): ask your own server for it. A button “Stop” calls controller.abort(): what came so far is paid, the rest is not produced.
for (const question of ['Hello', 'Again']) {
  const controller = new AbortController()
  let answer = ''
  const bill = await ask(question, (text) => (answer = text), controller.signal)
  console.log(`${question}\n${answer}\n[${bill}]`)
}
