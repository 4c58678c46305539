import { expect, it } from 'vitest'
import type { StreamListener, StreamSource } from '../../domain/upstream.ts'
import { AppError } from '../../kernel/errors.ts'
import { doneEvent, encodeEvent } from '../../kernel/sse.ts'
import { judgedStream } from './judged-stream.ts'

const chunk = (content: string): Buffer => encodeEvent({ choices: [{ index: 0, delta: { content } }] })
const role = encodeEvent({ choices: [{ index: 0, delta: { role: 'assistant' } }] })

/** A stream whose verdicts come when they are given. */
const play = () => {
  const calls: string[] = []
  const seen: string[] = []
  const verdicts: ((fault: AppError | null) => void)[] = []
  let reader: StreamListener | null = null
  let isOver = false
  const source: StreamSource = {
    start: (listener) => {
      reader = listener
    },
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    abort: () => void calls.push('abort'),
    refuse: (fault) => {
      if (!isOver) reader?.fail(fault)
      return !isOver
    },
  }
  const judged = judgedStream(
    source,
    () => new Promise((resolve) => verdicts.push(resolve)),
    () => calls.push('left'),
  )
  judged.start({
    data: (bytes) => void seen.push(bytes.toString()),
    end: () => void seen.push('end'),
    fail: (fault) => void seen.push((fault as AppError).code),
  })
  const { data, end } = reader as unknown as StreamListener
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    ...{ calls, seen, verdicts, judged, data, settle },
    end: () => {
      isOver = true
      end()
    },
  }
}

it('shows events in their order once they were judged, those without words at once', async () => {
  const { seen, verdicts, data, end, settle } = play()
  data(role)
  expect(seen).toEqual([role.toString()])
  const [first, second] = ['a', 'b'].map((letter) => chunk(letter.repeat(1_000))) as [Buffer, Buffer]
  data(first)
  data(second)
  data(doneEvent)
  end()
  await settle()
  expect(seen).toHaveLength(1)
  verdicts[0]?.(null)
  await settle()
  expect(seen.slice(1)).toEqual([first.toString()])
  verdicts[1]?.(null)
  await settle()
  expect(seen.slice(2)).toEqual([second.toString(), doneEvent.toString(), 'end'])
})

it('shows nothing of what may not be shown, nor what comes after it, also where the provider is done', async () => {
  for (const isDone of [false, true]) {
    const { seen, verdicts, data, end, settle } = play()
    data(chunk('a'.repeat(1_000)))
    data(chunk('b'))
    if (isDone) end()
    await settle()
    verdicts[0]?.(new AppError('answer_blocked'))
    await settle()
    expect(seen).toEqual(['answer_blocked'])
  }
})

it('lets the provider wait while many wait for verdicts, and nobody judge for a reader who left', async () => {
  const { calls, verdicts, data, judged, settle } = play()
  for (let count = 0; count < 3; count++) data(chunk('a'.repeat(1_000)))
  expect(calls).toEqual(['pause'])
  await settle()
  verdicts[0]?.(null)
  await settle()
  expect(calls).toEqual(['pause', 'resume'])
  judged.abort()
  verdicts[1]?.(null)
  await settle()
  expect(calls).toEqual(['pause', 'resume', 'left', 'abort'])
  expect(verdicts).toHaveLength(2)
})

it('holds back no more than a little where few words are said beside much else', async () => {
  const { seen, verdicts, data, settle } = play()
  data(chunk('Hear this.'))
  for (let count = 0; count < 40; count++)
    data(encodeEvent({ choices: [{ index: 0, delta: { audio: { data: 'A'.repeat(4_096) } } }] }))
  await settle()
  expect(verdicts).toHaveLength(1)
  verdicts[0]?.(null)
  await settle()
  expect(verdicts).toHaveLength(1)
  expect(seen.join('').length).toBeGreaterThan(120_000)
})
