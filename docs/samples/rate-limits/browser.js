// In a page of an origin that the publishable key allows: <script type="module" src="browser.js"></script>
const url = globalThis.HEADGATE_URL ?? 'http://127.0.0.1:8787'
const key = globalThis.HEADGATE_KEY // a publishable key, hg_pk_…

const response = await fetch(`${url}/v1/chat/completions`, {
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }),
})
if (!response.ok) throw new Error((await response.json()).error.message)

const remaining = Number(response.headers.get('x-ratelimit-remaining'))
const seconds = Number(response.headers.get('x-ratelimit-reset'))
console.log(`${remaining} of ${response.headers.get('x-ratelimit-limit')} requests left`)
// Nothing left: better wait than be refused.
if (remaining === 0) await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
console.log(`as many as ever in ${seconds} s at most`)
