/** Distinguished encoding (ITU-T X.690) of the few types that a certificate needs. */

const length = (bytes: number): number[] => {
  if (bytes < 0x80) return [bytes]
  return bytes < 0x1_00 ? [0x81, bytes] : [0x82, bytes >> 8, bytes & 0xff]
}

/** An element of this tag. Certificates stay far below the 64 KiB that two bytes of length can say. */
export const element = (tag: number, ...content: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag, ...length(body.length)]), body])
}

export const sequence = (...content: readonly Uint8Array[]): Buffer => element(0x30, ...content)
export const octets = (content: Uint8Array): Buffer => element(0x04, content)
export const text = (value: string): Buffer => element(0x0c, Buffer.from(value))
export const yes: Buffer = element(0x01, Buffer.from([0xff]))
/** `unused`: bits at the end that say nothing. */
export const bits = (content: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), content)

/** A whole number of these big-endian bytes, never negative. */
export const integer = (bytes: Uint8Array): Buffer => {
  const start = bytes.findIndex((byte) => byte !== 0)
  const digits = start === -1 ? Buffer.alloc(1) : bytes.subarray(start)
  return element(0x02, Buffer.from((digits[0] as number) > 0x7f ? [0] : []), digits)
}

/** An object identifier such as `2.5.29.19`. */
export const identifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const groups = [first * 40 + second, ...rest].flatMap((part) => {
    const digits = [part & 0x7f]
    for (let left = part >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return element(0x06, Buffer.from(groups))
}

/** GeneralizedTime (RFC 5280, 4.1.2.5.2) from 2050 on, UTCTime before. */
export const time = (at: Date): Buffer => {
  const digits = at.toISOString().replace(/[-:T]|\.\d+/g, '')
  return at.getUTCFullYear() < 2050 ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits))
}
