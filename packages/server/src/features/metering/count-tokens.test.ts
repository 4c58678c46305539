import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import type { InferenceRequest } from '../../domain/inference.ts'
import { imageTokens } from '../../domain/input-estimate.ts'
import { type Log, silentLog } from '../../kernel/log.ts'
import { countText as countHere } from './count-job.ts'
import { createTokenCounter, type TokenCounter } from './count-tokens.ts'

let counter: TokenCounter | null = null
const start = (log: Log = silentLog, file?: URL) => {
  counter = createTokenCounter(log, file)
  return counter
}
afterEach(async () => {
  await counter?.stop()
  counter = null
})

const request = (body: unknown, inputTokensBound = 1_000_000): InferenceRequest => ({
  operation: 'chat',
  model: 'm',
  stream: false,
  includeUsage: false,
  maxOutputTokens: null,
  choices: 1,
  inputTokensBound,
  hasFiles: false,
  user: null,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  members: new Map(),
})

describe('counting a text', () => {
  it.each([
    ['', 0],
    ['hello world', 2],
    ['The quick brown fox jumps over the lazy dog.', 10],
    ['a'.repeat(512), 64],
  ])('knows %j', async (text, tokens) => {
    expect(await start().countText(text)).toBe(tokens)
  })

  it('takes the names of special tokens as text', async () => {
    expect(await start().countText('<|endoftext|>')).toBeGreaterThan(1)
  })

  it('does not fall for long runs', () => {
    for (const unit of ['a', '!', ' ', '\n', '🙂', '中']) {
      const started = performance.now()
      const tokens = countHere(unit.repeat(60_000))
      expect(tokens).toBeGreaterThan(0)
      expect(performance.now() - started).toBeLessThan(5_000)
    }
  })

  it('differs by a thousandth at most where a run is cut', () => {
    const prose = 'Numbers 12345, words and naïve punctuation -- in a row. '.repeat(400)
    expect(countHere(prose)).toBeGreaterThan(4_000)
    const cut = countHere(`${'汉字仮名'.repeat(150)} ${prose}`)
    const parts = countHere('汉字仮名'.repeat(150)) + countHere(` ${prose}`)
    expect(Math.abs(cut - parts) / parts).toBeLessThan(0.001)
  })

  it('estimates when too much waits, and answers all', async () => {
    const { countText } = start()
    const text = 'four words and more '.repeat(2)
    const answers = await Promise.all(Array.from({ length: 3_000 }, () => countText(text)))
    // What a thousand streams ask that are cut at once.
    expect(answers.filter((tokens) => tokens === countHere(text)).length).toBeGreaterThanOrEqual(2_000)
    expect(answers.filter((tokens) => tokens === Math.ceil(text.length / 4)).length).toBeGreaterThanOrEqual(1)
    expect(answers).toHaveLength(3_000)
  })

  it('estimates a huge text at once', async () => {
    expect(await start().countText('x'.repeat(9_000_000))).toBe(2_250_000)
  })
})

describe('estimating the input of a request', () => {
  it('counts texts, messages and images', async () => {
    const { estimateInput } = start()
    const plain = { messages: [{ role: 'user', content: 'hello world' }] }
    // 3 for the answer, 3 for the message, 1 for the role, 2 for the text
    expect(await estimateInput(request(plain))).toBe(9)
    const withImage = {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'hello world' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(200_000)}` } },
          ],
        },
      ],
    }
    expect(await estimateInput(request(withImage))).toBe(9 + imageTokens)
  })

  it('counts tools, and texts to embed', async () => {
    const { estimateInput } = start()
    expect(await estimateInput(request({ input: ['hello world', 'hello world'] }))).toBe(4)
    expect(await estimateInput(request({ input: [1, 2, 3] }))).toBe(3)
    expect(await estimateInput(request({ input: [[1, 2], [3]] }))).toBe(3)
    const tools = [{ type: 'function', function: { name: 'weather', description: 'Tells the weather of a town.' } }]
    const bare = await estimateInput(request({ messages: [{ role: 'user', content: 'hi' }] }))
    expect(await estimateInput(request({ messages: [{ role: 'user', content: 'hi' }], tools }))).toBeGreaterThan(bare)
  })

  it('never exceeds the bound, and estimates what it cannot read', async () => {
    const { estimateInput } = start()
    expect(await estimateInput(request({ messages: [{ role: 'user', content: 'hello world' }] }, 5))).toBe(5)
    expect(await estimateInput(request('{"messages": nonsense'))).toBe(6)
    expect(await estimateInput(request({ messages: [null, 7, { content: [null] }] }))).toBeGreaterThan(0)
  })
})

describe('a worker that crashes', () => {
  it('leaves nobody waiting, and the next count starts another', async () => {
    const warnings: string[] = []
    const log: Log = { ...silentLog, warn: (_fields, message) => warnings.push(message) }
    const { countText } = start(log, new URL('./__fixtures__/crashing.worker.ts', import.meta.url))
    expect(await Promise.all([countText('crash now!!!'), countText('twelve chars')])).toEqual([3, 3])
    expect(warnings).toHaveLength(1)
    expect(await countText('hello world')).toBe(2)
  })

  it('takes an image for what an image counts, not for its bytes', async () => {
    const { estimateInput } = start(silentLog, new URL('./__fixtures__/crashing.worker.ts', import.meta.url))
    const url = `data:image/png;base64,${'A'.repeat(400_000)}`
    const body = { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }
    const estimate = await estimateInput(request(body))
    expect(estimate).toBeGreaterThan(imageTokens)
    expect(estimate).toBeLessThan(imageTokens + 100)
  })

  it('keeps no process alive', () => {
    const script = `
      import { createTokenCounter } from ${JSON.stringify(new URL('./count-tokens.ts', import.meta.url))}
      const waiting = setTimeout(() => {}, 60_000)
      console.log(await createTokenCounter({}).countText('hello world'))
      clearTimeout(waiting)`
    const ran = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { timeout: 30_000 })
    expect(ran.stdout.toString().trim()).toBe('2')
    expect(ran.status).toBe(0)
  }, 40_000)

  it('can be stopped while it counts', async () => {
    const { countText, stop } = start()
    const counting = countText('hello world, '.repeat(10_000))
    await stop()
    expect(await counting).toBeGreaterThan(0)
    await stop()
  })
})
