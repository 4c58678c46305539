import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

const input = ['The cat sat on the mat', 'A cat lay on the mat', 'Interest rates rise again']
const answer = await client.embeddings.create({ model: 'demo', input })
const [first = [], ...others] = answer.data.map((item) => item.embedding)
console.log(`${first.length} dimensions`)

// The vectors have length 1, so their product is the cosine of the angle between them.
others.forEach((other, index) => {
  const cosine = first.reduce((sum, value, place) => sum + value * (other[place] ?? 0), 0)
  console.log(`${Math.round(cosine * 100)} % like the first: ${input[index + 1]}`)
})
