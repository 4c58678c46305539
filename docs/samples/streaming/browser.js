// In a page of an origin that the publishable key allows: <script type="module" src="browser.js"></script>
const url = globalThis.HEADGATE_URL ?? 'http://127.0.0.1:8787'
const key = globalThis.HEADGATE_KEY // a publishable key, hg_pk_…

/** The parts of a streamed answer; throws when it fails or is cut. */
async function* stream(body) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true }),
  })
  if (!response.ok) {
    const { error } = await response.json()
    throw new Error(`${error.code}: ${error.message}`)
  }
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
  throw new Error('The stream was cut.')
}

/** Asks, and gives `show` the answer so far, again and again. */
const ask = async (question, show) => {
  let text = ''
  let bill = ''
  const messages = [{ role: 'user', content: question }]
  for await (const part of stream({ model: 'demo', messages, stream_options: { include_usage: true } })) {
    text += part.choices[0]?.delta.content ?? ''
    show(text)
    if (part.usage) bill = `${part.usage.total_tokens} tokens, ${part.headgate.cost_usd} USD`
  }
  return bill
}

let answer = ''
const bill = await ask('Count to three.', (text) => (answer = text)) // (text) => (element.textContent = text)
console.log(`${answer}\n${bill}`)
