import type { OutgoingHttpHeaders } from 'node:http'
import { type Dialect, openaiDialect } from './dialect.ts'
import { Body, type Exchange, willCut } from './exchange.ts'
import { gzipBomb } from './gzip-bomb.ts'
import type { Script } from './script.ts'

const jsonHeaders = { 'content-type': 'application/json' }

/** Refuses a request; the truth row says `refused`. */
export const refuse = (
  exchange: Exchange,
  status: number,
  body: string,
  headers: OutgoingHttpHeaders = jsonHeaders,
): void => {
  if (exchange.closed) return
  exchange.row.status = status
  exchange.end('refused')
  const bytes = Buffer.from(body)
  exchange.response.writeHead(status, { ...headers, 'content-length': bytes.length })
  exchange.response.end(bytes)
}

/** Sends a body whose tokens are already produced, with a true or a scripted wrong length. */
export const sendWhole = async (
  exchange: Exchange,
  script: Script,
  bytes: Buffer | string,
  headers: OutgoingHttpHeaders = jsonHeaders,
): Promise<void> => {
  const { response, row } = exchange
  if (exchange.closed) return
  row.status = 200
  const length = Buffer.byteLength(bytes)
  if (script.plain) {
    row.sent_tokens = row.produced_tokens
    row.terminal_sent = true
    exchange.end('complete')
    response.writeHead(200, { ...headers, 'content-length': length })
    response.end(bytes)
    return
  }
  const body = new Body(exchange, script)
  const isUndeclared = willCut(script) && script.cut !== 'fin'
  const stated =
    script['content-length'] === 'long'
      ? length + 64
      : script['content-length'] === 'short'
        ? Math.max(1, length - 16)
        : length
  response.writeHead(200, isUndeclared ? headers : { ...headers, 'content-length': stated })
  if (script['stall-after-headers'] === true || script['first-part-delay'] !== undefined) response.flushHeaders()
  if (script['stall-after-headers'] === true && !(await exchange.stall())) return
  if (script['first-part-delay'] !== undefined && !(await exchange.sleep(script['first-part-delay']))) return
  if (!(await body.write(Buffer.from(bytes)))) return
  row.sent_tokens = row.produced_tokens
  if (script['content-length'] === 'long') {
    exchange.end('cut')
    setImmediate(() => exchange.request.socket.destroySoon())
    return
  }
  row.terminal_sent = script['content-length'] === undefined
  exchange.end(row.terminal_sent ? 'complete' : 'cut')
  response.end()
}

/** Answers that replace the real one: resets, stalls, statuses, HTML, a gzip bomb. True when the script had one. */
export const answerInstead = (exchange: Exchange, script: Script, dialect: Dialect = openaiDialect): boolean => {
  const { response, row } = exchange
  if (script['rst-before-headers'] === true) {
    void exchange.reset()
    return true
  }
  if (script['stall-before-headers'] === true) return true
  if (script.status !== undefined) {
    const [type, code] = dialect.nameOf(script.status)
    const body = script.body ?? dialect.error(`Scripted answer with status ${script.status}.`, type, code)
    const headers: OutgoingHttpHeaders = { 'content-type': script['body-type'] ?? 'application/json' }
    if (script['retry-after'] !== undefined) headers['retry-after'] = script['retry-after']
    refuse(exchange, script.status, body, headers)
    return true
  }
  if (script.html === true) {
    const page = '<!doctype html><html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>'
    refuse(exchange, 200, page, { 'content-type': 'text/html; charset=utf-8' })
    return true
  }
  if (script['gzip-bomb'] !== undefined) {
    const bytes = gzipBomb(script['gzip-bomb'], row.stream)
    row.status = 200
    exchange.end('cut')
    response.writeHead(200, {
      'content-type': row.stream ? 'text/event-stream; charset=utf-8' : 'application/json',
      'content-encoding': 'gzip',
      'content-length': bytes.length,
    })
    response.end(bytes)
    return true
  }
  return false
}
