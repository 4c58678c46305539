import { type Dialect, openaiDialect } from './dialect.ts'
import { Body, type Exchange } from './exchange.ts'
import { createMalformer } from './malformed.ts'
import { sendWhole } from './plain-writer.ts'
import { type Script, ScriptError } from './script.ts'
import type { ReportedUsage } from './truth.ts'

/** One event of a stream. */
export interface StreamEvent {
  text: string | Buffer
  /** Tokens that exist once this event is produced. */
  tokens: number
  /** Counts as a part: content or a piece of a tool call. */
  isPart: boolean
  /** Nothing follows. */
  isTerminal?: boolean
  /** Set on an event that reports usage. */
  usage?: ReportedUsage | undefined
}

/** The terminal event of OpenAI's streams. */
export const doneEvent: StreamEvent = { text: 'data: [DONE]\n\n', tokens: 0, isPart: false, isTerminal: true }

const streamHeaders = ({ streamType = 'text/event-stream; charset=utf-8' }: Dialect) => ({
  'content-type': streamType,
  'cache-control': 'no-cache',
})

const partWords = [
  'stall-at-part',
  'cut-at-part',
  'cut-in-json',
  'cut-in-character',
  'rst-at-part',
  'error-at-part',
] as const

/** @throws ScriptError when a fault is scripted for a part that the answer does not reach */
export const requireReachableParts = (script: Script, parts: number): void => {
  for (const name of partWords) {
    const at = script[name]
    const last = name === 'cut-in-json' || name === 'cut-in-character' ? parts - 1 : parts
    if (at !== undefined && at > last) {
      throw new ScriptError(`${name}=${at} would never happen: the answer has ${parts} parts`)
    }
  }
}

/** Sends the events of an answer as the script says and keeps the truth row in step. */
export const sendStream = async (
  exchange: Exchange,
  script: Script,
  events: Iterable<StreamEvent>,
  dialect: Dialect = openaiDialect,
): Promise<void> => {
  const { response, row } = exchange
  if (script['content-length'] !== undefined) {
    const texts: Buffer[] = []
    for (const event of events) {
      texts.push(Buffer.from(event.text))
      row.produced_tokens += event.tokens
      if (event.usage !== undefined) row.usage_reported = event.usage
    }
    await sendWhole(exchange, script, Buffer.concat(texts), streamHeaders(dialect))
    return
  }
  const body = new Body(exchange, script)
  row.status = 200
  response.writeHead(200, streamHeaders(dialect))
  if (script.plain) {
    for (const event of events) {
      row.produced_tokens += event.tokens
      if (event.usage !== undefined) row.usage_reported = event.usage
      if (event.isTerminal) {
        row.terminal_sent = true
        exchange.end('complete')
        response.end(event.text)
        return
      }
      const isGoing = response.write(event.text)
      row.sent_tokens += event.tokens
      if (!isGoing && !(await exchange.drained())) return
    }
    return
  }
  await sendScripted(exchange, script, events, body, dialect)
}

const sendScripted = async (
  exchange: Exchange,
  script: Script,
  events: Iterable<StreamEvent>,
  body: Body,
  dialect: Dialect,
): Promise<void> => {
  const { response, row } = exchange
  const malform = script.malformed === undefined ? undefined : createMalformer(script.malformed)
  const pings = script.pings === undefined ? undefined : dialect.ping.repeat(script.pings)
  const partDelay = script['part-delay'] ?? 0
  response.flushHeaders()
  if (script['stall-after-headers'] === true && !(await exchange.stall())) return
  if (script['cut-at-byte'] === 0) return body.cut()
  if (script['first-part-delay'] !== undefined && !(await exchange.sleep(script['first-part-delay']))) return
  let parts = 0
  for (const event of events) {
    const isAfterParts = parts > 0 && !event.isPart
    if (event.isPart || isAfterParts) {
      if (parts === script['stall-at-part'] && !(await exchange.stall())) return
      if (parts === script['cut-at-part']) return body.cut()
      if (parts === script['rst-at-part']) return exchange.reset()
      if (parts === script['error-at-part']) {
        exchange.end('cut')
        response.end(dialect.errorEvent)
        return
      }
    }
    if (event.isPart) {
      if (parts > 0 && partDelay > 0 && !(await exchange.sleep(partDelay))) return
      if (pings !== undefined && !(await body.write(pings))) return
    }
    row.produced_tokens += event.tokens
    if (event.isTerminal && script['no-done'] === true) {
      exchange.end('cut')
      response.end()
      return
    }
    const isCutInside = event.isPart && (parts === script['cut-in-json'] || parts === script['cut-in-character'])
    if (isCutInside) {
      const bytes = Buffer.from(event.text)
      const at = script['cut-in-json'] === parts ? bytes.length >> 1 : bytes.findIndex((byte) => byte >= 0xc0) + 1
      if (await body.write(bytes.subarray(0, at))) body.cut()
      return
    }
    if (event.isPart) parts += 1
    if (
      !(await body.write(
        malform === undefined ? event.text : malform({ ...event, text: String(event.text) }, event.isPart ? parts : 0),
      ))
    )
      return
    row.sent_tokens += event.tokens
    if (event.usage !== undefined) row.usage_reported = event.usage
    if (event.isTerminal) row.terminal_sent = true
  }
  exchange.end('complete')
  response.end()
}
