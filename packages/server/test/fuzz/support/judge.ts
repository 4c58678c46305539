import Schema from 'typebox/schema'
import { expect } from 'vitest'
import { expectError } from '../../input/error-shape.ts'
import type { ApiDocument } from './document.ts'
import { members } from './document.ts'
import type { FuzzRequest } from './requests.ts'
import type { FuzzAnswer } from './send.ts'

type Check = (value: unknown) => readonly string[]

/** What may answer where no operation is reached: the codes of requests that fit none, and pages for people. */
const astray = ['route_not_found', 'method_not_allowed', 'bad_http']

/** Judges answers by the document that their server sends. */
export const createJudge = (document: ApiDocument) => {
  const checks = new Map<unknown, Check>()
  const checkOf = (schema: unknown): Check => {
    const known = checks.get(schema)
    if (known) return known
    const compiled = Schema.Compile({ ...members(schema), components: document.components })
    const check: Check = (value) => {
      if (compiled.Check(value)) return []
      const [, errors] = compiled.Errors(value)
      return errors.map(({ instancePath, message }) => `${instancePath} ${message}`)
    }
    checks.set(schema, check)
    return check
  }

  const judgeEvents = (text: string, schema: unknown): void => {
    const events = text.split('\n\n').filter((event) => event !== '' && !event.startsWith(':'))
    const told: string[] = []
    for (const event of events.filter((one) => !one.endsWith('data: [DONE]'))) {
      // Those of a stream that is kept have numbers; pictures, sound, messages and responses come as events with names.
      const [, name, data = ''] = /^(?:id: \d+\n)?(?:event: ([\w.]+)\n)?data: (.*)$/s.exec(event) ?? []
      expect(data, event).not.toBe('')
      const value = JSON.parse(data) as { type?: string; error?: object }
      expect(checkOf(schema)(value)).toEqual([])
      if (name !== undefined && value.error === undefined) expect(value.type, event).toBe(name)
      told.push(value.error === undefined ? (value.type ?? '') : 'error')
    }
    const isOver = /^(error|message_stop)$|\.(completed|incomplete|failed|done)$/.test(told.at(-1) ?? '')
    const isWhole = /^(id: \d+\n)?data: \[DONE\]$/.test(events.at(-1) ?? '') || isOver
    expect(isWhole, events.at(-1)).toBe(true)
  }

  /** Fails unless the answer is one that the document allows; gives the code of an error, else the status. */
  return ({ method, target }: FuzzRequest, answer: FuzzAnswer): string => {
    expect(answer.status, 'no server error').toBeLessThan(500)
    expect(answer.headers.get('x-request-id') !== null || method === 'OPTIONS', 'a request id').toBe(true)
    const operation = document.find(method, target)
    const isHead = method === 'HEAD' || answer.status === 204 || answer.status === 304
    const isError = answer.status >= 400
    const code = isError && !isHead ? expectError(answer).code : null
    if (!operation || (code !== null && astray.includes(code))) {
      if (code !== null) expect(astray, answer.text).toContain(code)
      return code ?? `page ${answer.status}`
    }
    const response = document.resolve(operation.responses[answer.status])
    expect(Object.keys(operation.responses), `${operation.operationId} declares its status`).toContain(
      String(answer.status),
    )
    if (isHead) return code ?? String(answer.status)
    const [said = ''] = (answer.headers.get('content-type') ?? '').split(';')
    const range = said.replace(/\/.*/, '/*')
    // A range stands for each of its types.
    const type = [range, '*/*'].find((one) => one in members(response['content'])) ?? said
    const media = members(response['content'])[type]
    expect(Object.keys(members(response['content'])), `${operation.operationId} declares its type`).toContain(type)
    const { schema } = members(media)
    if (type === 'text/event-stream') judgeEvents(answer.text, schema)
    else expect(checkOf(schema)(type === 'application/json' ? JSON.parse(answer.text) : answer.text)).toEqual([])
    return code ?? String(answer.status)
  }
}
