import OpenAI from 'openai'

const url = process.env['HEADGATE_URL'] ?? 'http://127.0.0.1:8787'
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env['HEADGATE_API_KEY'] })

type Model = OpenAI.Model & { headgate: { operations: string[] } }

for await (const model of client.models.list()) {
  console.log(`${model.id}: ${(model as Model).headgate.operations.join(', ')}`)
}
