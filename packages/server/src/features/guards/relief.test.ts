import { expect, it } from 'vitest'
import { turnedClock } from '../../kernel/__fixtures__/turned-clock.ts'
import type { LogFields } from '../../kernel/log.ts'
import type { PressureReading } from '../../kernel/pressure.ts'
import { createRelief } from './relief.ts'

const MEBIBYTE = 1_048_576

const rig = () => {
  const { clock, turn } = turnedClock(500)
  const lines: string[] = []
  const done: string[] = []
  const told: string[] = []
  const write = (level: string) => (fields: LogFields, message: string) =>
    void lines.push(`${level} ${message.split(':')[0]} (${fields.reason ?? fields.count})`)
  const state = { severity: 0, memorySeverity: 0, cause: 'none' as PressureReading['cause'], refused: 0 }
  const relief = createRelief(
    clock,
    { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    {
      pressure: () => ({ ...state, loopDelayMs: 700 }),
      use: () => ({
        heap: 80 * MEBIBYTE,
        heapLimit: 100 * MEBIBYTE,
        resident: 200 * MEBIBYTE,
        counted: 460 * MEBIBYTE,
        limit: 512 * MEBIBYTE,
      }),
      reliefAt: () => 1.25,
      letGo: () => void done.push('let go'),
      collect: () => void done.push('collected'),
      refused: () => state.refused,
      tell: ({ name, severity, summary }) => void told.push(`${severity} ${name} ${summary}`),
      onRelief: (measure) => void done.push(measure),
    },
  )
  const press = (severity: number, cause: PressureReading['cause'] = 'memory') =>
    Object.assign(state, { severity, cause, memorySeverity: cause === 'event loop' ? 0 : severity })
  return { relief, lines, done, told, press, state, turn }
}
const figures = 'heap 80 of 100 MiB, resident 200 MiB, counted 460 of 512 MiB'

it('tells once that work is refused and once that it is over, however the reading goes between', () => {
  const { relief, lines, done, press, state, turn } = rig()
  turn(60_000)
  for (const severity of [1.1, 0.8, 1.05, 0.9, 1.2]) {
    press(severity)
    turn(10_000)
  }
  expect(relief.stage()).toMatchObject({ stage: 'shedding' })
  expect(lines).toEqual([`warn The process has as much as it can bear (memory: ${figures})`])
  state.refused = 7
  press(0.5)
  turn(29_000)
  expect(lines).toHaveLength(1)
  expect(relief.stage()).toMatchObject({ stage: 'calm' })
  turn(5_000)
  expect(lines).toHaveLength(2)
  expect(lines[1]).toContain('(7)')
  expect(done).toEqual([])
})

it('gives memory back when refusing does not suffice, at most once a minute, and calls for help when that does not either', () => {
  const { relief, lines, done, told, press, turn } = rig()
  press(1.3)
  turn(1_000)
  const measures = ['let go', 'idle parts', 'collected', 'garbage']
  expect(done).toEqual(measures)
  expect(relief.stage()).toMatchObject({ stage: 'relieving' })
  expect(lines.map((line) => line.slice(0, 5))).toEqual(['warn ', 'warn '])
  turn(8_000)
  expect(lines).toHaveLength(2)
  turn(3_000)
  expect(lines[2]).toMatch(/^error Memory stays short/)
  expect(lines[2]).toContain(figures)
  expect(told.map((event) => event.split(' ', 2).join(' '))).toEqual(['ticket process/overload', 'page process/memory'])
  expect(told[1]).toContain(figures)
  turn(40_000)
  expect(done).toEqual(measures)
  turn(10_000)
  expect(done).toEqual([...measures, ...measures])
  expect(lines).toHaveLength(3)
})

it('collects nothing for an event loop that is late: that would make it later', () => {
  const { lines, done, told, press, turn } = rig()
  press(1.9, 'event loop')
  turn(10_000)
  expect(done).toEqual([])
  expect(told).toHaveLength(1)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain('event loop: event loop 700 ms late')
})
