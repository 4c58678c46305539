import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { LimitBounds } from './adaptive-limit.ts'
import { type Gate, type WaitBounds, createGate } from './gate.ts'

/** What a reload changes. */
export interface QueueSettings {
  readonly waits: Omit<WaitBounds, 'totalMs'>
  /** Longest whole call at a provider. */
  readonly totalMsOf: (provider: string) => number
  readonly limitOf: (provider: string) => LimitBounds
  /** Who is served more often, 1 to 4. */
  readonly priorityOf: (caller: Caller) => number
}

export interface QueueOptions {
  readonly clock: Clock
  readonly settings: QueueSettings
  /** A call was served after waiting. */
  readonly onWaited: (provider: string, milliseconds: number) => void
}

/** How one provider stands. */
export interface GateReading {
  readonly provider: string
  readonly inFlight: number
  readonly limit: number
  readonly waiting: number
}

/** The places at all providers. */
export interface Queue {
  gate(provider: string): Gate
  /** A provider is another now: what was learned of the former one does not count, its calls under way do. */
  forget(provider: string): void
  reconfigure(settings: QueueSettings): void
  /** Ends all that wait with `server_draining`; from now on nothing waits. */
  drain(): void
  read(): readonly GateReading[]
}

/** Keeps a gate for each provider that was called. */
export const createQueue = ({ clock, settings: first, onWaited }: QueueOptions): Queue => {
  let settings = first
  let draining = false
  const gates = new Map<string, Gate>()

  const make = (provider: string): Gate => {
    const gate = createGate({
      clock,
      limit: settings.limitOf(provider),
      waits: () => ({ ...settings.waits, totalMs: settings.totalMsOf(provider) }),
      // Each priority has twice the turns of the one below it.
      weightOf: (caller) => 2 ** (settings.priorityOf(caller) - 1),
      onWaited: (milliseconds) => onWaited(provider, milliseconds),
    })
    if (draining) gate.drain()
    gates.set(provider, gate)
    return gate
  }

  return {
    gate: (provider) => gates.get(provider) ?? make(provider),
    forget: (provider) => {
      const gate = gates.get(provider)
      if (gate === undefined) return
      const { inFlight, waiting } = gate.read()
      if (inFlight + waiting === 0) gates.delete(provider)
      else gate.relearn(settings.limitOf(provider))
    },
    reconfigure: (next) => {
      settings = next
      for (const [provider, gate] of gates) gate.reconfigure(next.limitOf(provider))
    },
    drain: () => {
      draining = true
      for (const gate of gates.values()) gate.drain()
    },
    read: () => [...gates].map(([provider, gate]) => ({ provider, ...gate.read() })),
  }
}
