import type { Exchange } from '../../domain/exchange.ts'
import type { Target } from '../../domain/model.ts'
import type { RecordedVerdict } from '../../domain/walk.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { LookAtPicture } from './picture-bench.ts'
import type { Policy } from './policy.ts'
import type { BlockRule } from './block-list.ts'
import type { RedactedKind } from '../../domain/redacted-kinds.ts'

/** The checks, in the order in which they are made. */
export type CheckName = RecordedVerdict['check']

/** What a check decided of a call. `reported`: it found something and let it pass. */
export type Decision = RecordedVerdict['decision']

/** What one check says of one call: never what it read. */
export interface Verdict {
  readonly check: CheckName
  readonly decision: Decision
  /** What was found: the name of a list, kinds with their counts, a score; null when nothing was. */
  readonly category: string | null
  /** How sure it was, from 0 to 1; absent where the check knows no degrees. */
  readonly score?: number | null
  /** Which of the two was looked at. */
  readonly of: 'prompt' | 'answer'
}

/** What is checked, and how. */
export interface SafetyRules {
  readonly policy: Policy
  /** Policies of projects that have one of their own, by id. */
  readonly projects: Readonly<Record<string, Policy>>
  readonly block: Readonly<Record<string, BlockRule>>
  readonly redact: readonly RedactedKind[]
  /** Score of an injection from which on it is reported, in percent; 0: none is computed. */
  readonly injection_percent: number
  /** Characters of a stream that are held back. */
  readonly window_characters: number
  /** From which score on a picture is refused, in percent, under each policy. */
  readonly image_percent_main: number
  readonly image_percent_demo: number
}

export interface SafetyPorts {
  readonly rules: SafetyRules
  /** The policy that an operator has set for a project; nothing where none has. */
  readonly policyOfProject: (project: string) => Policy | undefined
  /** Model that judges; null where none does. */
  readonly model: string | null
  /** A judge that thinks longer counts as away, in milliseconds. */
  readonly judgeMs: number
  /** Asks that model; gives the body of its answer. @throws AppError when it does not answer. */
  readonly moderate: (model: string, text: string, exchange: Exchange, signal: CancelSignal) => Promise<Buffer>
  /** Looks at pictures; null where no model is set. */
  readonly look: LookAtPicture | null
  /** Whether what a target draws can harm nobody, whatever it is asked for. */
  readonly isHarmless: (target: Target) => boolean
  readonly clock: Pick<Clock, 'after'>
  /** Told of every verdict, for the log and the metrics. */
  readonly onVerdict: (exchange: Exchange, verdict: Verdict) => void
}
