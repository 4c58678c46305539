import { sweepScratch } from '../../../kernel/programs.ts'
import { type Provider, ProviderFault, abortReason } from '../provider.ts'
import type { Timeouts } from '../openai/call.ts'
import { embeddings } from './embeddings.ts'
import type { Engine, EngineKind } from './engine.ts'
import { espeak } from './espeak.ts'
import { flite } from './flite.ts'
import { pocketsphinx } from './pocketsphinx.ts'
import { whisper } from './whisper.ts'

const kinds: readonly EngineKind[] = [embeddings, espeak, flite, pocketsphinx, whisper]

interface LocalOptions {
  readonly name: string
  /** Folders where programs are looked for. */
  readonly searchPath: string
  readonly timeouts: Timeouts
  readonly maxResponseBytes: number
}

/** An engine, and whether this machine has it. */
export interface EngineLook {
  readonly model: string
  readonly found: boolean
  readonly version: string | null
  /** What brings it. */
  readonly source: string
}

const lookAll = async (
  path: string,
): Promise<readonly { readonly kind: EngineKind; readonly engine: Engine | null }[]> => {
  // What cannot be swept is no reason to be without engines.
  await sweepScratch().catch(() => undefined)
  // One that does not run is not there.
  return Promise.all(kinds.map(async (kind) => ({ kind, engine: await kind.find(path).catch(() => null) })))
}

/** Looks which engines this machine has: by the search path and the installed packages. */
export const lookForEngines = async (path: string): Promise<readonly EngineLook[]> => {
  const looks = await lookAll(path)
  return looks.map(({ kind: { model, source }, engine }) => ({
    model,
    source,
    found: engine !== null,
    version: engine?.version ?? null,
  }))
}

/** The engines of this machine, looked for when their list is first asked for. */
export const createLocalProvider = ({ name, searchPath, timeouts, maxResponseBytes }: LocalOptions): Provider => {
  let found: Promise<ReadonlyMap<string, { kind: EngineKind; engine: Engine }>> | null = null
  const running = new Set<Promise<unknown>>()
  const engines = () =>
    (found ??= lookAll(searchPath).then(
      (looks) =>
        new Map(
          looks.flatMap(({ kind, engine }) => (engine === null ? [] : [[kind.model, { kind, engine }] as const])),
        ),
    ))
  const close = async (): Promise<void> => {
    for (const { engine } of (await found)?.values() ?? []) await engine.close?.()
  }
  return {
    name,
    kind: 'local',
    call: async (call) => {
      if (call.signal.aborted) throw abortReason(call.signal)
      const there = (await engines()).get(call.model)
      if (there === undefined)
        throw new ProviderFault('model_not_found', {
          upstreamStatus: 0,
          retry: 'elsewhere',
          detail: `This machine has no ${call.model}.`,
        })
      if (there.kind.operation !== call.request.operation)
        throw new ProviderFault('operation_not_supported', { upstreamStatus: 0, retry: 'elsewhere' })
      const bounds = { timeoutMs: timeouts.firstByteMs, maxBytes: maxResponseBytes }
      const work = there.engine.call(call, bounds)
      const forget = () => void running.delete(ended)
      const ended: Promise<void> = work.then(forget, forget)
      running.add(ended)
      return work
    },
    listModels: async () =>
      [...(await engines()).values()].map(({ kind }) => ({
        id: kind.model,
        operations: [kind.operation],
        contextTokens: null,
        created: null,
      })),
    relieve: () => {
      void found?.then((there) => {
        for (const { engine } of there.values()) engine.relieve?.()
      })
    },
    retire: async () => {
      await Promise.all(running)
      await close()
    },
    close,
  }
}
