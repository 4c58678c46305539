import type { NanoPrice } from './books.ts'

/** One call to make: what is asked, what the upstream is scripted to do, and when the caller leaves. */
export interface PlannedCall {
  /** Sent as `x-request-id`. */
  readonly id: string
  readonly path: '/v1/chat/completions' | '/v1/embeddings'
  readonly stream: boolean
  /** With its script, as the upstream sees it. */
  readonly model: string
  readonly body: string
  readonly fault: boolean
  readonly leaveAfterMs: number | null
  readonly leaveAfterParts: number | null
}

/** mulberry32: a seeded source in [0, 1). */
export const seeded = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Kind = 'stream' | 'json' | 'embeddings'

/** Faults by kind of call; `K` is a part before the last. Those that wait for a deadline stand in `slowFaults`. */
const faults: Readonly<Record<Kind, readonly string[]>> = {
  stream: [
    'cut-at-part=K',
    'cut-at-part=K;cut=end',
    'cut-at-part=K;cut=fin',
    'cut-at-byte=700',
    'cut-in-json=K',
    'cut-in-character=K;utf8',
    'rst-at-part=K',
    'rst-before-headers',
    'no-done',
    'error-at-part=K',
    'error-at-part=0',
    'usage=missing',
    'usage=zero',
    'usage=null',
    'usage=cumulative',
    'usage=cumulative;cut-at-part=K',
    'usage=duplicate',
    'usage=always',
    'malformed=crlf',
    'malformed=one-byte',
    'malformed=no-blank',
    'malformed=not-json',
    'pings=3',
    'status=500',
    'status=429',
    'status=529',
    'html',
    'fail-first=1',
  ],
  json: [
    'cut-at-byte=120',
    'content-length=long',
    'content-length=short',
    'usage=missing',
    'usage=zero',
    'usage=null',
    'rst-before-headers',
    'status=400',
    'status=401',
    'status=500',
    'status=503',
    'html',
    'fail-first=1',
  ],
  embeddings: ['cut-at-byte=200', 'usage=missing', 'usage=zero', 'status=500', 'fail-first=1'],
}

const slowFaults: Readonly<Record<Kind, readonly string[]>> = {
  stream: ['stall-at-part=K', 'stall-after-headers', 'stall-before-headers'],
  json: ['stall-before-headers', 'stall-after-headers'],
  embeddings: [],
}

/** Shapes of answers without a fault. */
const shapes: Readonly<Record<Kind, readonly string[]>> = {
  stream: [
    '',
    'part-delay=1',
    'usage-details',
    'cached-tokens=5',
    'cache-write-tokens=4',
    'reasoning-tokens=7',
    'first-part-delay=10',
  ],
  json: ['', 'delay=5', 'usage-details', 'cached-tokens=5', 'cache-write-tokens=4', 'reasoning-tokens=7'],
  embeddings: ['', 'delay=3'],
}

/**
 * Deeds that have no meaning in Messages, or by which a translation notices a fault that OpenAI's path need not: every third
 * other call goes by Anthropic's protocol.
 */
const openaiOnly = /usage=(cumulative|always)|malformed=not-json/

/**
 * Base names that faults are spread over: a target that fails five times in a row is left alone by its circuit, which would
 * keep later faults from the upstream.
 */
const NAMES = 40
const words = ['budget', 'ledger', 'journal', 'stream', 'upstream', 'token', 'price', 'caller', 'lease', 'window']

export interface PlanOptions {
  readonly seed: number
  readonly count: number
  /** Begins the ids. */
  readonly name: string
  /** Share of calls that go wrong: half by the upstream, half by callers who leave. */
  readonly wrong: number
  /** Milliseconds between the parts of answers that are left, and of all answers when `slow`. */
  readonly partDelay: number
  /** Every answer takes its time, so that a kill meets it on the way. */
  readonly slow?: boolean
}

/** Plans calls, the same for the same seed. */
export const planCalls = ({ seed, count, name, wrong, partDelay, slow = false }: PlanOptions): PlannedCall[] => {
  const random = seeded(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <Item>(list: readonly Item[]): Item => list[below(list.length)] as Item

  const plan = (_: unknown, index: number): PlannedCall => {
    const dice = random()
    const kind: Kind = dice < 0.55 ? 'stream' : dice < 0.85 ? 'json' : 'embeddings'
    const fate = random()
    const fault = fate < wrong / 2
    const leaves = !fault && fate < wrong
    const parts = 4 + below(20)
    const partsWord = kind === 'embeddings' ? '' : `parts=${parts}`
    const kept = 1 + below(parts - 1)
    const isSlowFault = fault && slowFaults[kind].length > 0 && random() < 0.06
    const paced = slow || leaves
    const pace = !paced ? '' : kind === 'embeddings' ? `delay=${partDelay * 4}` : `part-delay=${partDelay}`
    const deed = fault
      ? pick(isSlowFault ? slowFaults[kind] : faults[kind]).replace('K', String(kept))
      : paced
        ? ''
        : pick(shapes[kind])
    const isTranslated = kind !== 'embeddings' && index % 3 === 0 && !openaiOnly.test(deed)
    const provider = isTranslated ? 'claude' : 'up'
    const base = kind === 'embeddings' ? 'text-embedding-3-small' : isTranslated ? 'claude-sonnet-5' : 'gpt-4o-mini'
    const distinct = fault ? `${base}-${below(NAMES)}` : base
    const model = [distinct, partsWord, pace, deed].filter((word) => word !== '').join(';')
    const text = Array.from({ length: 1 + below(12) }, () => pick(words)).join(' ')
    const include = random() < 0.5 ? { stream_options: { include_usage: true } } : {}
    const body =
      kind === 'embeddings'
        ? { model: `${provider}/${model}`, input: text, dimensions: 8 }
        : {
            model: `${provider}/${model}`,
            messages: [{ role: 'user', content: text }],
            ...(kind === 'stream' && { stream: true, ...include }),
          }
    const byParts = kind === 'stream' && random() < 0.6
    return {
      id: `${name}-${index}`,
      path: kind === 'embeddings' ? '/v1/embeddings' : '/v1/chat/completions',
      stream: kind === 'stream',
      model,
      body: JSON.stringify(body),
      fault,
      leaveAfterParts: leaves && byParts ? kept : null,
      leaveAfterMs: leaves && !byParts ? below(parts * partDelay + 10) : null,
    }
  }
  return Array.from({ length: count }, plan)
}

/** What every planned model costs, with a rate that does not divide evenly. */
const price = { input: '1.5', cached_input: '0.5', cache_write: '1.9', output: '2.000000001', per_request: '0.0001' }

/** The same in nano-USD. */
export const nanoPrice: NanoPrice = {
  input: 1_500_000_000n,
  cachedInput: 500_000_000n,
  cacheWrite: 1_900_000_000n,
  output: 2_000_000_001n,
  perRequest: 100_000n,
}

/** The price of every model that is called. */
export const pricesOf = (calls: readonly PlannedCall[]) => Object.fromEntries(calls.map(({ model }) => [model, price]))
