/** How Headgate names itself to receivers of OTLP. */
export interface Service {
  readonly name: string
  readonly version: string
  /** Tells processes apart. */
  readonly instance: string
}

export type OtlpValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: string }
  | { doubleValue: number }

/** A value in the JSON of OTLP (opentelemetry.io/docs/specs/otlp), where 64-bit integers are text. */
const valueOf = (value: string | number | boolean): OtlpValue => {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

export const otlpAttributes = (attributes: Readonly<Record<string, string | number | boolean>>) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }))

export const otlpResource = ({ name, version, instance }: Service) => ({
  attributes: otlpAttributes({
    'service.name': name,
    'service.version': version,
    'service.instance.id': instance,
  }),
})

/** Nanoseconds since the epoch, as text: a double would lose the last digits. */
export const nanoseconds = (milliseconds: number): string => {
  const whole = Math.floor(milliseconds)
  return `${whole}${Math.round((milliseconds - whole) * 1e6)
    .toString()
    .padStart(6, '0')}`
}
