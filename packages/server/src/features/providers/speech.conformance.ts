import type { Upstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chatRequest, drain, faultOf } from './__fixtures__/setting.ts'
import { speechRequest } from './__fixtures__/speech.ts'
import type { Provider } from './provider.ts'

/** A provider under test that speaks. */
interface Speaker {
  readonly provider: Provider
  readonly model: string
  readonly voice: string
  /** It does nothing else. */
  readonly speaksOnly: boolean
  /** A scripted upstream is behind it, which reads scripts in the names of models; absent: nobody is. */
  readonly upstream?: Upstream
  close(): Promise<void>
}

/** What every kind of provider must do that speaks. */
export const describeSpeech = (kind: string, open: () => Promise<Speaker>): void => {
  describe(`speech of provider ${kind}`, () => {
    let subject: Speaker
    beforeAll(async () => {
      subject = await open()
    })
    afterAll(() => subject.close())

    const speak = (script = '', signal: AbortSignal = new AbortController().signal) => {
      const model = `${subject.model}${script}`
      const request = speechRequest(model, { voice: subject.voice, response_format: 'pcm' })
      return subject.provider.call({ model, request, requestId: 'req_speech', trace: [], signal })
    }
    const sourceOf = async (script = '') => {
      const answer = await speak(script)
      if (answer.kind !== 'binary') throw new Error('expected sound')
      return answer
    }

    it('answers with sound and says what it is', async () => {
      const { contentType, source } = await sourceOf()
      expect(contentType).toMatch(/^audio\//)
      expect((await drain(source)).length).toBeGreaterThan(1_000)
    })

    it('says nothing more after an abort', async () => {
      const { source } = await sourceOf()
      let after = 0
      let aborted = false
      const heard = () => void (aborted && after++)
      source.start({
        data: () => {
          heard()
          aborted = true
          source.abort()
        },
        end: heard,
        fail: heard,
      })
      await expect.poll(() => aborted).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 40))
      expect(after).toBe(0)
    })

    it('rejects a caller who has already left', async () => {
      expect((await faultOf(speak('', AbortSignal.abort()))).code).toBe('client_closed_request')
    })

    it.each([
      [400, 'upstream_invalid_request'],
      [401, 'provider_auth_failed'],
      [429, 'upstream_rate_limited'],
      [500, 'upstream_error'],
      [503, 'upstream_overloaded'],
    ])('is told a fault by status %i as %s', async (status, code) => {
      if (subject.upstream === undefined) return
      expect((await faultOf(speak(`;status=${status}`))).code).toBe(code)
    })

    it('never takes a cut for the end', async () => {
      if (subject.upstream === undefined) return
      const { source } = await sourceOf(';cut-at-byte=900;cut=fin')
      expect((await faultOf(drain(source))).code).toBe('upstream_truncated')
    })

    it('says what it does not do', async () => {
      if (!subject.speaksOnly) return
      const { model } = subject
      const request = chatRequest(model)
      const signal = new AbortController().signal
      const asked = subject.provider.call({ model, request, requestId: 'req_chat', trace: [], signal })
      expect((await faultOf(asked)).code).toBe('operation_not_supported')
    })

    it('lists its models', async () => {
      const models = await subject.provider.listModels(new AbortController().signal)
      expect(models.map(({ id }) => id)).toContain(subject.model)
    })
  })
}
