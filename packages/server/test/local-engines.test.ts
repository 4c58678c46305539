import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { unread } from '../src/domain/inference.ts'
import { nothingAsked } from '../src/features/gateway/media-wire.ts'
import { type EngineLook, lookForEngines } from '../src/features/providers/local/local.ts'
import { readUtterances } from '../src/features/providers/local/pocketsphinx.ts'
import { answerTranscript } from '../src/features/providers/local/transcript.ts'
import { atRate, readWav, soundMs } from '../src/features/providers/local/wav.ts'
import { findProgram, ProgramFailed, runProgram } from '../src/kernel/programs.ts'
import { type House, startHouse } from './support/house.ts'

let house: House
let client: OpenAI
let looks: readonly EngineLook[]
beforeAll(async () => {
  looks = await lookForEngines(process.env['PATH'] ?? '')
  house = await startHouse({ environment: { HEADGATE_LOCAL_ENGINES: 'true' } })
  // A budget lets only calls in whose price is known.
  const { key } = await house.makeKey({ budget: { limit_usd: '0.000001', window: 'total' } })
  client = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: key, maxRetries: 0 })
})
afterAll(() => house.stop())

/** Leaves a test out, with the reason, where this machine has no such engine. */
const need = ({ skip }: TestContext, ...models: readonly string[]): void => {
  for (const { model, found, source } of looks)
    if (models.includes(model) && !found) skip(`this machine has no ${model}: ${source}`)
}

const words = 'The quick brown fox jumps over the lazy dog.'
const speak = (model: string, more: Partial<OpenAI.Audio.SpeechCreateParams> = {}) =>
  client.audio.speech.create({ model, input: words, voice: 'alloy', response_format: 'wav', ...more })
const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer())
const refusal = (call: PromiseLike<unknown>): Promise<{ status: number; code: string }> =>
  Promise.resolve(call).then(
    () => Promise.reject(new Error('It was answered')),
    ({ status, code }: { status: number; code: string }) => ({ status, code }),
  )

describe('the engines of this machine', () => {
  it('are listed where they are found, and nowhere else', async () => {
    const there = looks.flatMap(({ model, found }) => (found ? [`local/${model}`] : [])).sort()
    const listed = async () =>
      (await client.models.list()).data.flatMap(({ id }) => (id.startsWith('local/') ? [id] : [])).sort()
    await expect.poll(listed, { timeout: 20_000, interval: 200 }).toEqual(there)
    const empty = await lookForEngines('')
    expect(empty.filter(({ found }) => found).every(({ model }) => model === 'embeddings-en')).toBe(true)
    expect(empty.every(({ source }) => /package/.test(source))).toBe(true)
  }, 30_000)

  it('leave nothing behind of calls whose process was killed', async () => {
    const [old, fresh] = [
      await mkdtemp(join(tmpdir(), 'headgate-engine-')),
      await mkdtemp(join(tmpdir(), 'headgate-engine-')),
    ]
    await writeFile(join(old, 'text'), 'what somebody said')
    const long = new Date(Date.now() - 7_200_000)
    await utimes(old, long, long)
    await lookForEngines('')
    await expect(stat(old)).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await stat(fresh)).isDirectory()).toBe(true)
    await rm(fresh, { recursive: true })
  })

  it('are not there unasked', async () => {
    const other = await startHouse({ upstream: house.upstream })
    try {
      const { key } = await other.makeKey()
      const listed = (await (await other.request('/v1/models', { key })).json()) as { data: { id: string }[] }
      expect(listed.data.filter(({ id }) => id.startsWith('local/'))).toEqual([])
      const answer = await other.request('/v1/audio/speech', {
        key,
        body: { model: 'local/espeak-ng', input: words, voice: 'alloy' },
      })
      expect(answer.status).toBe(404)
    } finally {
      await other.stop()
    }
  })
})

describe('embeddings', () => {
  const embed = (input: string | string[]) => client.embeddings.create({ model: 'local/embeddings-en', input })

  it('bring texts of one meaning near to each other, cost nothing, and are counted', async (context) => {
    need(context, 'embeddings-en')
    const texts = ['A cat sits on the mat', 'A feline rests on a rug', 'Stock markets fell today']
    const { data, usage } = await embed(texts)
    expect(data.map(({ embedding }) => embedding.length)).toEqual([512, 512, 512])
    const [cat, feline, stocks] = data.map(({ embedding }) => embedding) as [number[], number[], number[]]
    const near = (one: number[], other: number[]) =>
      one.reduce((sum, value, at) => sum + value * (other[at] as number), 0)
    expect(near(cat, cat)).toBeCloseTo(1, 4)
    expect(near(cat, feline)).toBeGreaterThan(0.5)
    expect(near(cat, stocks)).toBeLessThan(0.3)
    expect(usage.prompt_tokens).toBeGreaterThan(10)
    const alone = await client.embeddings.create({
      model: 'local/embeddings-en',
      input: texts[0] as string,
      encoding_format: 'float',
    })
    expect(near(alone.data[0]?.embedding ?? [], cat)).toBeCloseTo(1, 3)
  }, 30_000)

  it('refuse what they cannot honour, by name', async (context) => {
    need(context, 'embeddings-en')
    const ask = (more: object) =>
      refusal(client.embeddings.create({ model: 'local/embeddings-en', input: 'Hello', ...more }))
    expect(await ask({ dimensions: 64 })).toEqual({ status: 400, code: 'unsupported_parameter' })
    expect(await ask({ input: [[1, 2]] })).toEqual({ status: 400, code: 'unsupported_parameter' })
    expect(await ask({ input: 'a'.repeat(9_000) })).toMatchObject({ code: 'context_length_exceeded' })
    expect(await ask({ model: 'local/flites' })).toMatchObject({ status: 404 })
  })
})

describe.each(['espeak-ng', 'flite'])('speech by %s', (engine) => {
  it('is a WAV file of the length that the words take, faster where that is asked for', async (context) => {
    need(context, engine)
    const answer = await speak(`local/${engine}`)
    expect(answer.headers.get('content-type')).toBe('audio/wav')
    // OpenAI's voices are not its own.
    expect(answer.headers.get('x-headgate-warning')).toContain('voice')
    const usual = readWav(await bytesOf(answer))
    const fast = readWav(await bytesOf(await speak(`local/${engine}`, { speed: 2 })))
    if (usual === null || fast === null) throw new Error('No WAV')
    expect(soundMs(usual)).toBeGreaterThan(1_500)
    expect(soundMs(usual)).toBeLessThan(6_000)
    expect(soundMs(fast)).toBeLessThan(soundMs(usual) * 0.75)
    expect(usual.samples.some((sample) => Math.abs(sample) > 5_000)).toBe(true)
    const raw = await speak(`local/${engine}`, { response_format: 'pcm' })
    expect((await bytesOf(raw)).length / 48).toBeGreaterThan(soundMs(usual) * 0.9)
  })

  it('is nothing but spoken: a text that looks like an option or a command is words', async (context) => {
    need(context, engine)
    for (const input of ['--help', '-o /tmp/x; $(id) `id`', 'Zero\0byte', '<speak>&amp;</speak>', 'Grüße, 世界 😀'])
      expect(readWav(await bytesOf(await speak(`local/${engine}`, { input })))).not.toBeNull()
  })

  it('refuses other formats, and with `strict` what it would leave out', async (context) => {
    need(context, engine)
    expect(await refusal(speak(`local/${engine}`, { response_format: 'mp3' }))).toEqual({
      status: 400,
      code: 'unsupported_parameter',
    })
    expect(await refusal(speak(`local/${engine}`, { strict: true } as object))).toMatchObject({
      code: 'unsupported_parameter',
    })
    expect(await refusal(client.embeddings.create({ model: `local/${engine}`, input: 'Hello' }))).toMatchObject({
      code: 'operation_not_supported',
    })
  })
})

describe('transcripts by pocketsphinx', () => {
  const hear = (file: Buffer, more: object = {}) =>
    toFile(file, 'speech.wav').then((upload) =>
      client.audio.transcriptions.create({ model: 'local/pocketsphinx', file: upload, ...more }),
    )

  it('tell what flite said, and when', async (context) => {
    need(context, 'pocketsphinx', 'flite')
    const sound = await bytesOf(await speak('local/flite'))
    const told = (await hear(sound, { response_format: 'verbose_json' })) as unknown as {
      text: string
      duration: number
      segments: { start: number; end: number }[]
    }
    expect(told.text).toMatch(/quick brown fox/)
    expect(told.segments[0]?.end).toBeLessThanOrEqual(told.duration + 0.1)
  }, 60_000)

  it('refuse what is no WAV, and other languages', async (context) => {
    need(context, 'pocketsphinx')
    const refused = { status: 400, code: 'unsupported_parameter' }
    expect(await refusal(hear(Buffer.from('ID3 no sound at all')))).toEqual(refused)
    expect(await refusal(hear(Buffer.from('ID3 no sound at all'), { language: 'de' }))).toEqual(refused)
  })

  it('are refused of more than it could hear in time, whatever the file says of its length', async (context) => {
    need(context, 'pocketsphinx')
    const file = Buffer.alloc(7_000_000, 128)
    file.write('RIFF....WAVEfmt ', 0, 'latin1')
    file.writeUInt32LE(16, 16)
    file.writeUInt16LE(1, 20)
    file.writeUInt16LE(1, 22)
    // A thousand samples a second, of which a second is said to take a megabyte.
    file.writeUInt32LE(1_000, 24)
    file.writeUInt32LE(1_000_000, 28)
    file.writeUInt16LE(1, 32)
    file.writeUInt16LE(8, 34)
    file.write('data', 36, 'latin1')
    file.writeUInt32LE(file.length - 44, 40)
    const before = process.memoryUsage().rss
    expect(await refusal(hear(file))).toEqual({ status: 400, code: 'unsupported_parameter' })
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  }, 90_000)

  it('are read from what it writes, and written as subtitles', () => {
    const output =
      'hello world\n<s> 0.000 0.140 0.9\nhello 0.150 0.270 0.5\nworld(2) 0.280 0.550 0.1\n</s> 0.56 0.6 1.0\n'
    const heard = readUtterances(output)
    const request = {
      ...unread,
      operation: 'transcriptions',
      model: 'm',
      media: { ...nothingAsked, format: 'srt' },
    } as const
    const told = answerTranscript(request, { warning: null }, heard, 600)
    expect(told.kind === 'json' && told.body.toString()).toBe('1\n00:00:00,150 --> 00:00:00,550\nhello world\n')
    expect(heard).toEqual([
      {
        text: 'hello world',
        start: 0.15,
        end: 0.55,
        words: [
          { word: 'hello', start: 0.15, end: 0.27 },
          { word: 'world', start: 0.28, end: 0.55 },
        ],
      },
    ])
  })
})

describe('a program', () => {
  const run = (words: readonly string[], more: object = {}) =>
    runProgram(process.execPath, words, { timeoutMs: 20_000, maxOutputBytes: 100_000, ...more })
  const reasonOf = (ended: Promise<unknown>) =>
    ended.then(String, (fault) => fault instanceof ProgramFailed && fault.reason)

  it('is bounded in time and output, ends with its caller, and is told nothing of our environment', async () => {
    process.env['HEADGATE_CANARY'] = 'secret'
    const told = await run(['-e', 'process.stdin.pipe(process.stdout); console.log(JSON.stringify(process.env))'], {
      input: 'words',
    })
    delete process.env['HEADGATE_CANARY']
    expect(told.output.toString()).toContain('words')
    expect(told.output.toString()).not.toContain('CANARY')
    expect(await reasonOf(run(['-e', 'setTimeout(() => {}, 1e6)'], { timeoutMs: 300 }))).toBe('timeout')
    expect(await reasonOf(run(['-e', 'for (;;) console.log("a".repeat(1e4))']))).toBe('output')
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 300)
    expect(await reasonOf(run(['-e', 'setTimeout(() => {}, 1e6)'], { signal: controller.signal }))).toBe('aborted')
    expect(await reasonOf(runProgram('/nowhere/at-all', [], { timeoutMs: 1_000, maxOutputBytes: 1 }))).toBe('start')
  })

  it('is looked for in absolute folders alone', async () => {
    expect(await findProgram('sh', '/usr/bin:/bin')).toMatch(/^(\/usr)?\/bin\/sh$/)
    expect(await findProgram('sh', '.:bin::')).toBeNull()
  })
})

it('sounds are read in all their widths, mixed, and brought to another rate', () => {
  const file = Buffer.alloc(44 + 12)
  file.write('RIFF', 0, 'latin1')
  file.write('WAVEfmt ', 8, 'latin1')
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(2, 22)
  file.writeUInt32LE(8_000, 24)
  file.writeUInt16LE(24, 34)
  file.write('data', 36, 'latin1')
  // A length that its writer did not know.
  file.writeUInt32LE(0xffff_fff0, 40)
  ;[1_000, 3_000, -1_000, -3_000].forEach((sample, index) => file.writeIntLE(sample * 256, 44 + index * 3, 3))
  const sound = readWav(file)
  expect(sound).toEqual({ rate: 8_000, samples: Int16Array.of(2_000, -2_000) })
  if (sound === null) throw new Error('No sound')
  expect([...atRate(sound, 16_000).samples]).toEqual([2_000, 0, -2_000, -2_000])
  expect([...atRate(sound, 4_000).samples]).toEqual([0])
  file.writeUInt16LE(3, 20)
  expect(readWav(file)).toBeNull()
})
