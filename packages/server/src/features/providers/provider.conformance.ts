import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drain, faultOf, requestOf } from './__fixtures__/setting.ts'
import type { Provider } from './provider.ts'

/** A provider under test, and the names of its models. */
interface Subject {
  readonly provider: Provider
  readonly chatModel: string
  /** null when it has no embeddings. */
  readonly embeddingModel: string | null
  close(): Promise<void>
}

/** What every kind of provider must do. */
export const describeProvider = (kind: string, open: () => Promise<Subject>): void => {
  describe(`provider ${kind}`, () => {
    let subject: Subject
    beforeAll(async () => {
      subject = await open()
    })
    afterAll(() => subject.close())

    const call = (body: Record<string, unknown>, signal = new AbortController().signal) => {
      const model = (body['input'] === undefined ? null : subject.embeddingModel) ?? subject.chatModel
      const request = requestOf(JSON.stringify({ model: `any/${model}`, ...body }))
      return subject.provider.call({ model, request, requestId: 'req_conformance', trace: [], signal })
    }
    const messages = [{ role: 'user', content: 'Say something, please.' }]

    it('answers a chat as a whole, with usage', async () => {
      const answer = await call({ messages })
      if (answer.kind !== 'json') throw new Error('expected JSON')
      const body = JSON.parse(answer.body.toString())
      expect(answer.status).toBe(200)
      expect(body.object).toBe('chat.completion')
      expect(body.choices[0].message.content).not.toBe('')
      expect(body.usage).toMatchObject({
        prompt_tokens: answer.usage?.inputTokens,
        completion_tokens: answer.usage?.outputTokens,
      })
      expect(answer.usage?.outputTokens).toBeGreaterThan(0)
    })

    it('streams a chat up to its terminal, with the usage chunk even when nobody asked', async () => {
      const answer = await call({ messages, stream: true })
      if (answer.kind !== 'events') throw new Error('expected a stream')
      const events = (await drain(answer.source)).split('\n\n').filter((event) => event !== '')
      expect(events.at(-1)).toBe('data: [DONE]')
      const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)))
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).not.toBe('')
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number) } })
    })

    it('keeps max_tokens', async () => {
      const answer = await call({ messages, max_tokens: 2 })
      if (answer.kind !== 'json') throw new Error('expected JSON')
      expect(answer.usage?.outputTokens).toBe(2)
      expect(JSON.parse(answer.body.toString()).choices[0].finish_reason).toBe('length')
    })

    it('delivers nothing while paused, and goes on after', async () => {
      const answer = await call({ messages, stream: true })
      if (answer.kind !== 'events') throw new Error('expected a stream')
      let paused = false
      let breaches = 0
      const text = await new Promise<string>((resolve, reject) => {
        let got = ''
        answer.source.start({
          data: (chunk) => {
            if (paused) breaches++
            got += chunk.toString()
            if (got.length > 4_000) return
            paused = true
            answer.source.pause()
            setTimeout(() => {
              paused = false
              answer.source.resume()
            }, 5)
          },
          end: () => resolve(got),
          fail: reject,
        })
      })
      expect(breaches).toBe(0)
      expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true)
    })

    it('says nothing more after an abort', async () => {
      const answer = await call({ messages, stream: true })
      if (answer.kind !== 'events') throw new Error('expected a stream')
      let after = 0
      let aborted = false
      const heard = () => {
        if (aborted) after++
      }
      answer.source.start({
        data: () => {
          heard()
          aborted = true
          answer.source.abort()
        },
        end: heard,
        fail: heard,
      })
      await new Promise((resolve) => setTimeout(resolve, 60))
      expect(aborted).toBe(true)
      expect(after).toBe(0)
    })

    it('rejects a caller who has already left', async () => {
      const fault = await faultOf(call({ messages }, AbortSignal.abort()))
      expect(fault.code).toBe('client_closed_request')
    })

    it('embeds, the same text to the same vector of length one, or says that it does not', async () => {
      if (subject.embeddingModel === null) {
        const fault = await faultOf(call({ input: 'one text' }))
        expect(fault.code).toBe('operation_not_supported')
        return
      }
      const answer = await call({ input: ['one text', 'another', 'one text'] })
      if (answer.kind !== 'json') throw new Error('expected JSON')
      const { data } = JSON.parse(answer.body.toString()) as { data: { embedding: number[] }[] }
      const length = (vector: readonly number[]) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
      expect(data).toHaveLength(3)
      expect(data[0]?.embedding).toEqual(data[2]?.embedding)
      expect(data[0]?.embedding).not.toEqual(data[1]?.embedding)
      expect(length(data[0]?.embedding ?? [])).toBeCloseTo(1, 3)
      expect(answer.usage).toMatchObject({ outputTokens: 0 })
      expect(answer.usage?.inputTokens).toBeGreaterThan(0)
    })

    it('lists its models', async () => {
      const models = await subject.provider.listModels(new AbortController().signal)
      expect(models.map(({ id }) => id)).toContain(subject.chatModel)
    })
  })
}
