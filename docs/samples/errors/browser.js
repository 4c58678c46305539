// In a page of an origin that the publishable key allows: <script type="module" src="browser.js"></script>
const url = globalThis.HEADGATE_URL ?? 'http://127.0.0.1:8787'
const key = globalThis.HEADGATE_KEY // a publishable key, hg_pk_…

/** Sends a question; tries again, as Retry-After says, where that can help. */
const chat = async (model, content, tries = 4) => {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
      signal: AbortSignal.timeout(120_000),
    })
    const answer = await response.json()
    if (response.ok) return answer
    const passing = [408, 429].includes(response.status) || response.status >= 500
    if (!passing || attempt === tries || response.headers.get('x-should-retry') === 'false') {
      throw Object.assign(new Error(answer.error.message), { status: response.status, error: answer.error })
    }
    const backoff = 0.5 * 2 ** attempt * (0.75 + Math.random() / 4)
    const seconds = Number(response.headers.get('retry-after') ?? backoff)
    console.warn(`${response.status}, again in ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  }
}

for (const question of ['Hello', 'Hello again']) {
  await chat('demo', question)
  console.log(`answered: ${question}`)
}

try {
  await chat('no-such-model', 'Hello')
} catch ({ status, error }) {
  // Decide by error.code: it never changes its meaning.
  console.log(`${status} ${error.code}: ${error.message}`)
  console.log(`request ${error.request_id}, see ${error.doc_url}`)
}
