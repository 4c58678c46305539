import { expect, test } from 'vitest'
import { Cancellation, type CancelSignal } from './cancellation.ts'

test('every listener is told once, in the order of coming, and not who has gone', () => {
  const cancellation = new Cancellation()
  const told: string[] = []
  const gone = () => void told.push('gone')
  const goneToo = { handleEvent: () => void told.push('gone too') }
  cancellation.addEventListener('abort', gone)
  cancellation.addEventListener('abort', {
    handleEvent: () => void told.push(`object: ${String(cancellation.reason)}`),
  })
  cancellation.addEventListener('abort', goneToo)
  cancellation.addEventListener('abort', () => void told.push('function'))
  cancellation.removeEventListener('abort', gone)
  cancellation.removeEventListener('abort', goneToo)
  expect(cancellation.aborted).toBe(false)
  cancellation.abort('left')
  cancellation.abort('again')
  expect(told).toEqual(['object: left', 'function'])
  expect(cancellation).toMatchObject({ aborted: true, reason: 'left' })
})

test('a listener may leave while it is told, and one that comes after hears nothing', () => {
  const cancellation = new Cancellation()
  let told = 0
  const listener = () => {
    told++
    cancellation.removeEventListener('abort', listener)
    cancellation.addEventListener('abort', listener)
  }
  cancellation.addEventListener('abort', listener)
  cancellation.abort()
  cancellation.abort()
  expect(told).toBe(1)
})

test('a listener that throws keeps no other from being told', () => {
  const cancellation = new Cancellation()
  const told: string[] = []
  for (const name of ['first', 'second', 'third'])
    cancellation.addEventListener('abort', () => {
      told.push(name)
      if (name !== 'third') throw new Error(name)
    })
  expect(() => cancellation.abort()).toThrow('first')
  expect(told).toEqual(['first', 'second', 'third'])
})

test('an abort signal serves where a cancellation does', () => {
  const controller = new AbortController()
  const signal: CancelSignal = controller.signal
  let told = false
  signal.addEventListener('abort', () => (told = true))
  controller.abort('left')
  expect([told, signal.aborted, signal.reason]).toEqual([true, true, 'left'])
})
