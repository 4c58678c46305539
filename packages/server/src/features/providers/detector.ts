import { isDeepStrictEqual } from 'node:util'
import type { Clock, Timer } from '../../kernel/clock.ts'
import type { ProviderOptions } from './provider-options.ts'
import type { Standing } from './registry.ts'

const PROBE_MS = 500
const REPEAT_MS = 30_000

/** One server that is looked for. */
interface Sought {
  readonly standing: Standing
  found: boolean
  gone: boolean
}

/** Looks now and then which of some servers somebody has started on this machine. */
export interface Detector {
  /** Those that answered the last probe. */
  names(): readonly string[]
  /** One that is looked for, whether it answers or not. */
  known(name: string): Standing | undefined
  /** One of those that answered. */
  get(name: string): Standing | undefined
  start(): void
  /** Looks for these from now on; calls under way end at those that are looked for no more. */
  reconfigure(lookedFor: Readonly<Record<string, ProviderOptions>>): void
  close(): Promise<void>
}

/** Probes in the background, half a second at most each time. `isTaken`: somebody named a provider so, who comes first. */
export const createDetector = (
  lookedFor: Readonly<Record<string, ProviderOptions>>,
  standUp: (name: string, options: ProviderOptions) => Standing,
  { clock, isTaken }: { readonly clock: Clock; readonly isTaken: (name: string) => boolean },
): Detector => {
  const sought = new Map<string, Sought>()
  let timer: Timer | null = null

  const probe = async (one: Sought): Promise<void> => {
    const controller = new AbortController()
    const limit = clock.after(PROBE_MS, () => controller.abort())
    const found = await one.standing.provider.listModels(controller.signal).then(
      () => true,
      () => false,
    )
    limit.cancel()
    one.found = found && !one.gone
  }
  const probeAll = (): void => {
    for (const [name, one] of sought) if (!isTaken(name)) void probe(one)
  }
  const seek = (wanted: Readonly<Record<string, ProviderOptions>>): boolean => {
    let changed = false
    for (const [name, one] of sought) {
      if (isDeepStrictEqual(wanted[name], one.standing.options)) continue
      sought.delete(name)
      one.gone = true
      void one.standing.provider.retire()
    }
    for (const [name, options] of Object.entries(wanted)) {
      if (sought.has(name)) continue
      sought.set(name, { standing: standUp(name, options), found: false, gone: false })
      changed = true
    }
    return changed
  }
  seek(lookedFor)

  const start = (): void => {
    probeAll()
    timer ??= clock.every(REPEAT_MS, probeAll)
  }
  return {
    names: () => [...sought].flatMap(([name, { found }]) => (found && !isTaken(name) ? [name] : [])),
    get: (name) => {
      const one = sought.get(name)
      return one?.found === true && !isTaken(name) ? one.standing : undefined
    },
    known: (name) => sought.get(name)?.standing,
    start: () => {
      if (sought.size > 0) start()
    },
    reconfigure: (wanted) => {
      if (seek(wanted)) start()
    },
    close: async () => {
      timer?.cancel()
      await Promise.all([...sought.values()].map(({ standing }) => standing.provider.close()))
    },
  }
}
