import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

const answer = await client.images.generate({
  model: 'demo',
  prompt: 'A lighthouse in a storm',
  size: '64x64' as 'auto',
})
const picture = Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64')
console.log(`a picture in ${picture.toString('latin1', 1, 4)}`)

const speech = await client.audio.speech.create({
  model: 'demo',
  voice: 'alloy',
  input: 'Welcome to Headgate',
  response_format: 'wav',
})
const sound = await speech.arrayBuffer()
// A WAV file: 44 bytes of header, then 48,000 bytes a second.
console.log(`${((sound.byteLength - 44) / 48_000).toFixed(2)} seconds of sound`)
