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

const input = ['The cat sat on the mat', 'A cat lay on the mat', 'Interest rates rise again']
const answer = await call('/v1/embeddings', { model: 'demo', input })
const [first, ...others] = answer.data.map((item) => item.embedding)
console.log(`${first.length} dimensions`)

// The vectors have length 1, so their product is the cosine of the angle between them.
others.forEach((other, index) => {
  const cosine = first.reduce((sum, value, place) => sum + value * other[place], 0)
  console.log(`${Math.round(cosine * 100)} % like the first: ${input[index + 1]}`)
})
