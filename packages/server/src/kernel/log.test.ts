import { expect, test } from 'vitest'
import { createLog, type LogFields } from './log.ts'

const write = (use: (log: ReturnType<typeof createLog>) => void): Record<string, unknown>[] => {
  const lines: string[] = []
  use(createLog('debug', { write: (line) => void lines.push(line), flush: () => {} }))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('of an error only type, message, code and stack are written, with the stacks of its causes', () => {
  const refused = Object.assign(new Error('new row violates check constraint "amount"'), {
    code: '23514',
    detail: 'Failing row contains (alice@example.org).',
    where: 'COPY ledger_entries, line 1: alice@example.org',
    hint: 'alice@example.org',
    parameters: ['alice@example.org'],
  })
  const [line] = write((log) => log.error({ error: new TypeError('not kept', { cause: refused }) }, 'Failed'))
  expect(JSON.stringify(line)).not.toContain('alice')
  expect(Object.keys(line?.['error'] as object)).toEqual(['type', 'message', 'code', 'stack'])
  expect(line).toMatchObject({ error: { type: 'TypeError', message: 'not kept', code: '23514' } })
  expect(line).toHaveProperty(
    'error.stack',
    expect.stringMatching(/TypeError: not kept[^]*caused by: Error: new row/) as string,
  )
  const [other] = write((log) => log.error({ error: { detail: 'alice' } }, 'Failed'))
  expect(other?.['error']).toEqual({ type: 'object' })
})

test('a field that is not in the list is dropped at every level', () => {
  const fields = { component: 'kernel', pid: 7, prompt: 'hello', err: new Error('x') } as LogFields
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    const [line] = write((log) => log[level](fields, 'Something happened'))
    expect(line).toEqual({
      level,
      time: expect.any(String) as string,
      component: 'kernel',
      pid: 7,
      message: 'Something happened',
    })
  }
})

test('the line of a request is one line of JSON, whatever its values are made of', () => {
  const awkward = 'a "quoted" \\ name\nwith a line, ünï and \ud83d\ude00 and half \ud83d'
  const fields = { request_id: 'req_1', route: '/v1/x', status: 200, duration_ms: 1.5, code: null }
  const [line, other] = write((log) => {
    log.info({ ...fields, key_id: awkward }, 'Request "answered"')
    log.info({ request_id: 'req_2' }, 'Request answered')
  })
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    request_id: 'req_1',
    route: '/v1/x',
    status: 200,
    duration_ms: 1.5,
    code: null,
    key_id: awkward,
    message: 'Request "answered"',
  })
  expect(other).toMatchObject({ level: 'info', request_id: 'req_2' })
})

test('below its level the line of a request is not written', () => {
  const lines: string[] = []
  const log = createLog('warn', { write: (line) => void lines.push(line), flush: () => {} })
  log.info({ request_id: 'req_1' }, 'Request answered')
  expect(lines).toEqual([])
})
