import type { Clock, Timer } from '../../../kernel/clock.ts'
import type { Provider } from '../provider.ts'

const PROBE_MS = 500
const REPEAT_MS = 30_000

/** Looks now and then whether somebody has started an Ollama on this machine. */
export interface OllamaDetector {
  /** It answered the last probe. */
  readonly found: boolean
  start(): void
  stop(): void
}

/** Probes `provider` in the background, half a second at most each time. */
export const createOllamaDetector = (provider: Provider, clock: Clock): OllamaDetector => {
  let found = false
  let timer: Timer | null = null
  const probe = async (): Promise<void> => {
    const controller = new AbortController()
    const limit = clock.after(PROBE_MS, () => controller.abort())
    try {
      await provider.listModels(controller.signal)
      found = true
    } catch {
      found = false
    }
    limit.cancel()
  }
  return {
    get found() {
      return found
    },
    start() {
      void probe()
      timer = clock.every(REPEAT_MS, () => void probe())
    },
    stop() {
      timer?.cancel()
    },
  }
}
