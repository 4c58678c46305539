/** Money is an integer count of nano-USD (10⁻⁹ USD). */
export type NanoUsd = bigint

const NANO_DIGITS = 9
const decimal = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/

/**
 * Reads a decimal amount of USD from its literal text, without passing through a float. `scale` is the count of decimal
 * places that the result keeps, 9 for nano-USD. Digits beyond the scale round up, away from zero.
 * @throws RangeError when the text is no decimal number.
 */
export const parseUsd = (text: string, scale = NANO_DIGITS): NanoUsd => {
  const match = decimal.exec(text.trim())
  if (!match) throw new RangeError(`not a decimal amount: ${text.slice(0, 40)}`)
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const shift = scale - fraction.length + Number(exponent)
  const digits = BigInt(whole + fraction)
  const divisor = shift < 0 ? 10n ** BigInt(-shift) : 1n
  const nano = shift < 0 ? (digits + divisor - 1n) / divisor : digits * 10n ** BigInt(shift)
  return sign === '-' ? -nano : nano
}

/** Writes nano-USD as a decimal string of USD without trailing zeros: `0.00000105`. */
export const formatUsd = (amount: NanoUsd): string => {
  const absolute = amount < 0n ? -amount : amount
  const digits = absolute.toString().padStart(NANO_DIGITS + 1, '0')
  const fraction = digits.slice(-NANO_DIGITS).replace(/0+$/, '')
  const whole = digits.slice(0, -NANO_DIGITS)
  return `${amount < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}
