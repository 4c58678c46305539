import type { MemoryUse, PressureReading } from '../../kernel/pressure.ts'

/** Something that receivers of alerts are told. */
export interface GuardEvent {
  readonly name: 'process/overload' | 'process/memory' | 'process/leak'
  readonly severity: 'page' | 'ticket'
  readonly summary: string
  readonly value: number
  readonly threshold: number
}
export type TellGuardEvent = (event: GuardEvent) => void

/** What is looked at, and by whom it is told. */
export interface ReliefPorts {
  readonly pressure: () => PressureReading
  readonly use: () => MemoryUse
  /** Severity of memory from which on it is given back, 1 or more. */
  readonly reliefAt: () => number
  /** What can be had again is let go. */
  readonly letGo: () => void
  readonly collect: () => void
  /** Calls refused so far. */
  readonly refused: () => number
  readonly tell: TellGuardEvent
  readonly onRelief: (measure: 'idle parts' | 'garbage') => void
}

/** What the watch of the heap is given. */
export interface LeakPorts {
  /** Calls back after each full collection of garbage; gives what ends that. */
  readonly onFullCollection: (callback: () => void) => () => void
  readonly heapBytes: () => number
  readonly heapLimitBytes: () => number
  /** Requests answered so far. */
  readonly requests: () => number
  readonly tell: TellGuardEvent
}
