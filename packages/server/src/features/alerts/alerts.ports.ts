import type { AlertRule, Objective, Severity } from '../../domain/objective.ts'

/** Where a count belongs. */
interface SignalRow {
  readonly kind: string
  readonly route: string
  /** `provider/model`; '' where no provider was reached. */
  readonly target: string
  readonly count: number
}

/** What requests and tries of a time came to. */
export interface Signals {
  /** By code of the catalogue, '' when all went well. */
  readonly counts: readonly (SignalRow & { readonly code: string })[]
  /** Of those that went well, by bucket of `domain/latency.ts`. */
  readonly durations: readonly (SignalRow & { readonly bucket: number })[]
  readonly firstBytes: readonly (SignalRow & { readonly bucket: number })[]
}

/** Who is told of alerts, with its secrets. */
export interface Receiver {
  readonly severities: readonly Severity[]
  readonly way:
    | { readonly kind: 'webhook'; readonly url: string; readonly signingKey: string | null }
    | { readonly kind: 'slack'; readonly url: string }
    | { readonly kind: 'email'; readonly smtpUrl: string; readonly from: string; readonly to: readonly string[] }
}

/** Sends one mail. Rejects when the server does not take it. */
export type SendMail = (
  smtpUrl: string,
  mail: { readonly from: string; readonly to: readonly string[]; readonly subject: string; readonly text: string },
) => Promise<void>

/** What alerts are made of; read anew each time, since a reload changes it. */
export interface AlertSettings {
  readonly objectives: () => Readonly<Record<string, Objective>>
  readonly rules: () => Readonly<Record<string, AlertRule>>
  readonly receivers: () => Readonly<Record<string, Receiver>>
}

/** Reads the counts from `from` until now. */
export type ReadSignals = (from: number) => Promise<Signals>
