import { crc32 } from 'node:zlib'

const header = (name: string, value: string): Buffer => {
  const bytes = Buffer.from(value)
  const head = Buffer.from([name.length, ...Buffer.from(name), 7, 0, 0])
  head.writeUInt16BE(bytes.length, head.length - 2)
  return Buffer.concat([head, bytes])
}

/** One message of AWS's event stream with headers that are texts (smithy.io/2.0/aws/amazon-eventstream.html). */
export const eventStreamMessage = (headers: Readonly<Record<string, string>>, payload: string): Buffer => {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)))
  const body = Buffer.from(payload)
  const message = Buffer.alloc(16 + head.length + body.length)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(head.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  head.copy(message, 12)
  body.copy(message, 12 + head.length)
  message.writeUInt32BE(crc32(message.subarray(0, message.length - 4)), message.length - 4)
  return message
}
