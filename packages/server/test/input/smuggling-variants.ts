/** A request that means one thing to one parser and another to the next, with `hidden` inside it. */
export interface Variant {
  readonly name: string
  readonly bytes: (hidden: string) => Buffer
}

const latin = (text: string): Buffer => Buffer.from(text, 'latin1')
const head = (fields: readonly string[], line = 'POST /v1/embeddings HTTP/1.1'): string =>
  `${line}\r\n${['Host: localhost', 'Content-Type: application/json', ...fields].join('\r\n')}\r\n\r\n`

/** Ways to write the field that some parsers take for chunked framing, and some do not. */
const transferEncodings = [
  'Transfer-Encoding: chunked',
  'transfer-encoding: Chunked',
  'TRANSFER-ENCODING: CHUNKED',
  'Transfer-Encoding:chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding:  chunked  ',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  ' Transfer-Encoding: chunked',
  'X: y\r\n Transfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding\r\n : chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunked-false',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: chunked\x00',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding: \x0cchunked',
  'Transfer-Encoding: \xa0chunked',
  'Transfer-Encoding: \xffchunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding\x00: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: \r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: ,chunked',
  'TE: chunked',
]

/** The hidden request after the end of the chunks, or inside a chunk, with a length that says otherwise. */
const framings = (field: string): Variant[] => {
  const after = (hidden: string) => `0\r\n\r\n${hidden}`
  const inside = (hidden: string) => `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`
  const label = JSON.stringify(field)
  return [
    {
      name: `length over chunks, ${label} last`,
      bytes: (hidden) => latin(head([`Content-Length: ${after(hidden).length}`, field]) + after(hidden)),
    },
    {
      name: `length over chunks, ${label} first`,
      bytes: (hidden) => latin(head([field, `Content-Length: ${after(hidden).length}`]) + after(hidden)),
    },
    {
      name: `chunks over length, ${label} last`,
      bytes: (hidden) => {
        const size = `${hidden.length.toString(16)}\r\n`.length
        return latin(head([`Content-Length: ${size}`, field]) + inside(hidden))
      },
    },
    { name: `no length, ${label}`, bytes: (hidden) => latin(head([field]) + after(hidden)) },
  ]
}

/** Ways to write a length of nothing, before a hidden request. */
const lengths = [
  'Content-Length: +0',
  'Content-Length: -0',
  'Content-Length: 0x0',
  'Content-Length: 0, 0',
  'Content-Length: 0;',
  'Content-Length: 0 5',
  'Content-Length: 0\x0b',
  'Content-Length: \xa00',
  'Content-Length: 00',
  'Content-Length:',
  'Content-Length : 5',
  ' Content-Length: 5',
  'Content_Length: 500',
  'Content-Length\x00: 500',
  'Content-Length: 0\r\nContent-Length: 500',
  'Content-Length: 500\r\nContent-Length: 0',
  'Content-Length: 18446744073709551616',
  'Content-Length: 1e2',
  'Content-Length: 0\nContent-Length: 500',
].map((field): Variant => ({ name: JSON.stringify(field), bytes: (hidden) => latin(head([field]) + hidden) }))

/** Ways to write the size of a last chunk. */
const chunkSizes = [
  '0;x=y\r\n\r\n',
  '0;\n\r\n',
  '0;x\ny\r\n\r\n',
  '0\n\n',
  '0\n\r\n',
  '0\r\r\n',
  ' 0\r\n\r\n',
  '0 \r\n\r\n',
  '00000000000000000000\r\n\r\n',
  '0x0\r\n\r\n',
  '-0\r\n\r\n',
  '+0\r\n\r\n',
  '10000000000000000\r\n\r\n',
  'ffffffffffffffff\r\n\r\n',
  '0\r\nX: y\nZ: a\r\n\r\n',
  '0\r\nContent-Length: 500\r\n\r\n',
  '0\r\nTransfer-Encoding: chunked\r\n\r\n',
  '1\r\nZZ0\r\n\r\n',
  '2\r\nZ\r\n0\r\n\r\n',
].map(
  (end): Variant => ({
    name: `last chunk ${JSON.stringify(end)}`,
    bytes: (hidden) => latin(head(['Transfer-Encoding: chunked']) + end + hidden),
  }),
)

/** Request lines that name a forbidden path in other words; the hidden request's own head and body follow. */
const lines = [
  'POST /v1/../admin/v1/projects HTTP/1.1',
  'POST /v1/%2e%2e/admin/v1/projects HTTP/1.1',
  'POST /v1/..%2fadmin%2fv1%2fprojects HTTP/1.1',
  'POST /%61dmin/v1/projects HTTP/1.1',
  'POST //admin/v1/projects HTTP/1.1',
  'POST /./admin/v1/projects HTTP/1.1',
  'POST /x\\..\\admin\\v1\\projects HTTP/1.1',
  'POST /v1/models;/../../admin/v1/projects HTTP/1.1',
  'POST http://localhost/admin/v1/projects HTTP/1.1',
  'POST http://localhost:1@localhost/admin/v1/projects HTTP/1.1',
  'POST /ADMIN/v1/projects HTTP/1.1',
  'POST /v1#/admin/v1/projects HTTP/1.1',
  'POST /v1\x00/../admin/v1/projects HTTP/1.1',
  'POST\t/admin/v1/projects\tHTTP/1.1',
  'POST /admin/v1/projects HTTP/1.0',
  'POST /admin/v1/projects',
  'POST /v1/embeddings HTTP/1.1\r\nX-Original-URL: /admin/v1/projects',
  'POST /v1/embeddings HTTP/1.1\r\nX-Rewrite-URL: /admin/v1/projects',
  'POST /v1/embeddings HTTP/1.1\r\nX-Forwarded-Prefix: /admin/v1/projects',
  'POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nHost: admin',
].map(
  (line): Variant => ({
    name: JSON.stringify(line),
    bytes: (hidden) => latin(hidden.replace(/^[^\r]+/, () => line)),
  }),
)

/** Requests that carry a second one where it does not belong. */
const strays: Variant[] = [
  ['a body of GET', 'GET /livez HTTP/1.1'],
  ['a body of HEAD', 'HEAD /livez HTTP/1.1'],
  ['a body of OPTIONS', 'OPTIONS /livez HTTP/1.1'],
  ['a body of DELETE', 'DELETE /livez HTTP/1.1'],
].map(([name = '', line]) => ({
  name,
  bytes: (hidden) => latin(head([`Content-Length: ${hidden.length}`], line) + hidden),
}))

const upgrades: Variant[] = ['h2c', 'websocket', 'TLS/1.0'].map((protocol) => ({
  name: `an upgrade to ${protocol}`,
  bytes: (hidden) =>
    latin(
      head([`Upgrade: ${protocol}`, 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'], 'GET /livez HTTP/1.1') +
        hidden,
    ),
}))

const expectations: Variant[] = ['100-continue', '100-continue, 100-continue', 'y 100-continue'].map((expect) => ({
  name: `expecting ${expect}`,
  bytes: (hidden) =>
    latin(head([`Expect: ${expect}`, `Content-Length: ${hidden.length}`], 'GET /livez HTTP/1.1') + hidden),
}))

export const variants: readonly Variant[] = [
  ...transferEncodings.flatMap(framings),
  ...lengths,
  ...chunkSizes,
  ...lines,
  ...strays,
  ...upgrades,
  ...expectations,
]
