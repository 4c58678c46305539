import { expect, it } from 'vitest'
import { outlineJson } from '../../../kernel/json.ts'
import { insertImages } from './insert-images.ts'

const url = 'https://pictures.example/a.png'
const image = { url, type: 'image/png', bytes: new Uint8Array([1, 2, 3, 250]) }
const data = 'data:image/png;base64,AQID+g=='

const insert = (text: string) => {
  const body = Buffer.from(text)
  return insertImages({ body, members: outlineJson(body).members }, [image])
}

it('puts pictures in the place of their addresses, wherever they stand, and nowhere else', () => {
  const messages = [
    { role: 'user', content: url },
    {
      role: 'user',
      content: [
        { type: 'text', text: url },
        { type: 'image_url', image_url: { url, detail: 'low' } },
        { type: 'image_url', image_url: url },
        { type: 'image_url', image_url: { url: 'https://elsewhere.example/' } },
      ],
    },
  ]
  const { body } = insert(JSON.stringify({ messages }))
  const [first, second] = (JSON.parse(body.toString()) as { messages: typeof messages }).messages
  expect(first).toEqual(messages[0])
  expect(second?.content).toEqual([
    { type: 'text', text: url },
    { type: 'image_url', image_url: { url: data, detail: 'low' } },
    { type: 'image_url', image_url: data },
    { type: 'image_url', image_url: { url: 'https://elsewhere.example/' } },
  ])
})

it('keeps every other byte, and knows where the members stand afterwards', () => {
  const content = `[{"type":"image_url","image_url":{"url":"${url.replaceAll('/', '\\/')}"}}]`
  const { body, members } = insert(
    `{ "model" : "m", "messages":[{"role":"user","content":${content}}], "seed":9007199254740993 }`,
  )
  expect(body.toString()).toContain('"seed":9007199254740993 }')
  expect(body.toString()).toContain(data)
  expect(members).toEqual(outlineJson(body).members)
})
