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

// One red pixel; for a chosen file, FileReader.readAsDataURL gives the whole data URL.
const image = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

const answer = await call('/v1/chat/completions', {
  model: 'demo',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is in this picture?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } },
      ],
    },
  ],
})
console.log(answer.choices[0].message.content)
