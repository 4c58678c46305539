import type { Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assembled, heard, wholeOf } from './__fixtures__/assembled.ts'
import { drain, faultOf, requestOf } from './__fixtures__/setting.ts'
import type { Provider } from './provider.ts'

/** A provider under test, and the names of its models. */
interface Subject {
  readonly provider: Provider
  readonly chatModel: string
  /** null when it has no embeddings. */
  readonly embeddingModel: string | null
  /** A scripted upstream is behind it, which reads scripts in the names of models; absent: nobody is. */
  readonly upstream?: Upstream
  /** Its protocol tells thoughts in words, and counts them. */
  readonly thoughts?: { readonly told: boolean; readonly counted: boolean }
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

    const call = (body: Record<string, unknown>, signal = new AbortController().signal, named?: string) => {
      const model = named ?? (body['input'] === undefined ? null : subject.embeddingModel) ?? subject.chatModel
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

    describe('what models can', () => {
      const scripted = async (script: string, more: Record<string, unknown> = {}) => {
        if (subject.upstream === undefined) return null
        const model = `${subject.chatModel};${script}`
        const request = requestOf(JSON.stringify({ model: `any/${model}`, messages, ...more }))
        const signal = new AbortController().signal
        const answer = await subject.provider.call({ model, request, requestId: 'req_ability', trace: [], signal })
        if (answer.kind === 'json') return wholeOf(JSON.parse(answer.body.toString()))
        if (answer.kind === 'events') return assembled(await drain(answer.source))
        throw new Error('expected text')
      }
      const both = async (script: string, more: Record<string, unknown> = {}) =>
        (await Promise.all([scripted(script, more), scripted(script, { ...more, stream: true })])).flatMap(
          (answer) => answer ?? [],
        )
      const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
      const tools = ['weather', 'time'].map((name) => ({
        type: 'function',
        function: { name, description: `Tells the ${name}.`, parameters: schema },
      }))

      it('calls several tools at once, and goes on with their results', async () => {
        for (const { message, finish } of await both('tool-calls=2', { tools })) {
          expect(finish).toBe('tool_calls')
          const calls = message.tool_calls ?? []
          expect(calls.map((call) => call.function.name)).toEqual(['weather', 'time'])
          expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
          for (const call of calls) expect(JSON.parse(call.function.arguments)).toEqual({ city: 'sample' })
          const results = calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'fine' }))
          const [after] = await both('tool-calls=2', { tools, messages: [...messages, message, ...results] })
          expect(after).toMatchObject({ finish: 'stop', message: { content: expect.stringMatching(/./) } })
        }
      })

      it('calls the tool that is named', async () => {
        const choice = { type: 'function', function: { name: 'time' } }
        for (const { message } of await both('parts=3', { tools, tool_choice: choice }))
          expect(message.tool_calls?.map((call) => call.function.name)).toEqual(['time'])
      })

      it('keeps to a JSON schema', async () => {
        const format = { type: 'json_schema', json_schema: { name: 'place', schema } }
        for (const { message } of await both('parts=3', { response_format: format }))
          expect(JSON.parse(message.content ?? '')).toEqual({ city: 'sample' })
      })

      it('sees an image', async () => {
        const image = 'iVBORw0KGgoAAAANSUhEUg=='
        const content = [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } },
        ]
        const answers = await both('parts=3', { messages: [{ role: 'user', content }] })
        expect(answers.map(({ finish }) => finish)).toEqual(answers.map(() => 'stop'))
        const sent = subject.upstream?.requests().slice(-answers.length) ?? []
        for (const { body } of sent) expect(body).toContain(image)
      })

      it('counts what came from the cache, and thoughts, and tells them', async () => {
        const { told, counted } = subject.thoughts ?? { told: false, counted: true }
        for (const { message, usage } of await both('cached-tokens=2;reasoning-tokens=3')) {
          expect(usage).toMatchObject({ completion_tokens: 13, prompt_tokens_details: { cached_tokens: 2 } })
          if (counted) expect(usage).toMatchObject({ completion_tokens_details: { reasoning_tokens: 3 } })
          if (told) expect(message.reasoning_content?.trim().split(' ')).toHaveLength(3)
        }
      })

      it.each([
        [400, 'upstream_invalid_request'],
        [401, 'provider_auth_failed'],
        [403, 'provider_auth_failed'],
        [429, 'upstream_rate_limited'],
        [500, 'upstream_error'],
        [503, 'upstream_overloaded'],
      ])('is told a fault by status %i as %s', async (status, code) => {
        if (subject.upstream === undefined) return
        for (const stream of [false, true])
          expect((await faultOf(scripted(`status=${status}`, { stream }))).code).toBe(code)
      })

      it('hands on what came before a cut or an error, and no terminal', async () => {
        if (subject.upstream === undefined) return
        for (const script of ['cut-at-part=3', 'no-done', 'error-at-part=3', 'rst-at-part=3']) {
          const model = `${subject.chatModel};${script}`
          const answer = await call({ messages, stream: true, model: `any/${model}` }, undefined, model)
          if (answer.kind !== 'events') throw new Error('expected a stream')
          const { text } = await heard(answer.source)
          expect(text).toContain('"content":"')
          expect(text).not.toContain('[DONE]')
        }
      })
    })

    it('lists its models', async () => {
      const models = await subject.provider.listModels(new AbortController().signal)
      expect(models.map(({ id }) => id)).toContain(subject.chatModel)
    })
  })
}
