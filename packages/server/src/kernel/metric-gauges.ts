import { Gauge, type Registry } from '@prometheus-io/client'

/** Gauges of one provider each. */
export const providerGaugeTable = {
  inFlight: { name: 'headgate_upstream_in_flight', help: 'Calls under way at a provider.' },
  limit: { name: 'headgate_upstream_limit', help: 'Calls that may be under way at a provider now.' },
  waiting: { name: 'headgate_queue_waiting', help: 'Calls that wait for a place at a provider.' },
} as const

/** Gauges of the keys of one kind each. */
export const keyGaugeTable = {
  overdue: { name: 'headgate_keys_overdue', help: 'Keys that should have been replaced.' },
  nextDueSeconds: {
    name: 'headgate_key_next_due_seconds',
    help: 'Time until the next key of a kind ends or is to be replaced; below 0 where one is overdue, absent where none is to come.',
  },
} as const

/** How one provider stands. */
export type ProviderReading = Readonly<Record<keyof typeof providerGaugeTable, number>> & { readonly provider: string }
/** How the keys of one kind stand; null is not told. */
export type KeyReading = Readonly<Record<keyof typeof keyGaugeTable, number | null>> & { readonly kind: string }

/** Registers a table of gauges with one label; `read` is asked when Prometheus asks. */
export const registerGauges = <Name extends string, Label extends string>(
  registry: Registry,
  table: Readonly<Record<Name, { readonly name: string; readonly help: string }>>,
  label: Label,
  read: () => readonly (Readonly<Record<NoInfer<Name>, number | null>> & Readonly<Record<NoInfer<Label>, string>>)[],
): void => {
  for (const key of Object.keys(table) as Name[])
    new Gauge({
      ...table[key],
      labelNames: [label as string],
      registers: [registry],
      collect() {
        this.reset()
        for (const reading of read()) {
          const value: number | null = reading[key]
          if (value !== null) this.set({ [label as string]: reading[label] }, value)
        }
      },
    })
}
