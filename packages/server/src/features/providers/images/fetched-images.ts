import type { InferenceRequest, MemberSpan } from '../../../domain/inference.ts'
import type { CancelSignal } from '../../../kernel/cancellation.ts'
import { AppError } from '../../../kernel/errors.ts'
import { createWorkerPort } from '../../../kernel/worker-port.ts'
import type { ProviderKind } from '../../../domain/provider-kind.ts'
import type { Provider } from '../provider.ts'
import { insertImages, type NamedImage } from './insert-images.ts'

/** Fetches one picture. @throws AppError `url_refused`, `url_unavailable`, `url_content_refused` or `client_closed_request`. */
export type FetchImage = (
  url: string,
  signal: CancelSignal,
) => Promise<{ readonly type: string; readonly bytes: Uint8Array }>

/** How much is fetched. */
export interface ImageBounds {
  /** Most pictures of one request. */
  readonly maxImages: number
  /** Most bytes of all pictures of one request. */
  readonly maxRequestBytes: number
}

/** What the worker is asked; a buffer arrives there as plain bytes. */
export interface InsertOrder {
  readonly body: Uint8Array
  readonly members: ReadonlyMap<string, MemberSpan>
  readonly images: readonly NamedImage[]
}
/** What the worker answers. */
export interface InsertAnswer {
  readonly body: ArrayBuffer
  readonly members: ReadonlyMap<string, MemberSpan>
}

/** Larger requests are written anew beside the event loop. */
const INLINE_BYTES = 1_048_576
/** Pictures that are fetched at once, and bytes of those that are held for calls; more wait. */
const MOST_AT_ONCE = 16
const MOST_HELD_BYTES = 134_217_728
const MOST_WAITING = 256
const RETRY_MS = 2_000

/** Which addresses each kind of provider fetches itself (docs.anthropic.com/en/docs/build-with-claude/vision; Ollama, Gemini and Bedrock take bytes alone). */
const fetched: Readonly<Record<ProviderKind, 'all' | 'https' | 'none'>> = {
  openai: 'all',
  azure: 'all',
  anthropic: 'https',
  gemini: 'none',
  bedrock: 'none',
  ollama: 'none',
  local: 'none',
  // They take words alone, or messages as they are.
  elevenlabs: 'all',
  http: 'all',
  demo: 'all',
}

/** A request whose pictures are in it. */
export interface PreparedRequest {
  readonly request: InferenceRequest
  readonly release: () => void
}

/** Fetches the pictures that a provider cannot fetch, or shall not, and puts them into the request; none while `bounds` is null. */
export const createFetchedImages = (fetchImage: FetchImage, bounds: () => ImageBounds | null) => {
  const port = createWorkerPort<InsertOrder, InsertAnswer>(new URL('./insert-images.worker.ts', import.meta.url))
  const line: (() => void)[] = []
  let running = 0
  let held = 0

  const mayStart = (): boolean => running < MOST_AT_ONCE && held < MOST_HELD_BYTES
  const next = (): void => {
    while (line.length > 0 && mayStart()) {
      running++
      line.shift()?.()
    }
  }
  /** Waits for its turn, in the order of coming. */
  const enter = async (): Promise<void> => {
    if (mayStart() && line.length === 0) {
      running++
      return
    }
    if (line.length >= MOST_WAITING) throw new AppError('overloaded', { retryAfterMs: RETRY_MS })
    await new Promise<void>((resolve) => line.push(resolve))
  }

  const urlsFor = (
    { kind, speaksMessages }: Provider,
    { imageUrls, translation }: InferenceRequest,
    fetchesAll: boolean,
  ): readonly string[] => {
    // What is handed on as it was written, is not put together here.
    if (imageUrls === undefined || (translation?.messages !== undefined && speaksMessages === true)) return []
    const taken = fetchesAll ? 'none' : fetched[kind]
    if (taken === 'all') return []
    return taken === 'none' ? imageUrls : imageUrls.filter((url) => !/^https:/i.test(url))
  }

  const fetchAll = async (
    urls: readonly string[],
    { maxImages, maxRequestBytes }: ImageBounds,
    signal: CancelSignal,
  ): Promise<NamedImage[]> => {
    const distinct = [...new Set(urls)]
    if (distinct.length > maxImages)
      throw new AppError('url_refused', {
        detail: `The request names ${distinct.length} addresses of pictures; at most ${maxImages} are fetched.`,
        params: { most: maxImages },
      })
    let bytes = 0
    let isLost = false
    const fetchOne = async (url: string): Promise<NamedImage> => {
      await enter()
      try {
        if (isLost) throw new AppError('url_unavailable')
        const image = await fetchImage(url, signal)
        bytes += image.bytes.length
        if (bytes > maxRequestBytes)
          throw new AppError('url_content_refused', {
            detail: `The pictures of the request are larger than ${maxRequestBytes} bytes together.`,
          })
        return { url, ...image }
      } catch (fault) {
        isLost = true
        throw fault
      } finally {
        running--
        next()
      }
    }
    return Promise.all(distinct.map(fetchOne))
  }

  return {
    /**
     * The request as this provider can take it. `release` is called when it is not needed any more.
     * @throws AppError as `FetchImage` says, or `overloaded`.
     */
    prepare: async (
      provider: Provider,
      request: InferenceRequest,
      fetchesAll: boolean,
      signal: CancelSignal,
    ): Promise<PreparedRequest> => {
      const urls = urlsFor(provider, request, fetchesAll)
      const bound = urls.length === 0 ? null : bounds()
      if (bound === null) return { request, release: () => {} }
      const images = await fetchAll(urls, bound, signal)
      const { body, members } = request
      const weight = images.reduce((sum, image) => sum + image.bytes.length, 0) * 2
      held += weight
      let isHeld = true
      const release = (): void => {
        if (isHeld) held -= weight
        isHeld = false
        next()
      }
      try {
        if (body.length + weight <= INLINE_BYTES)
          return { request: { ...request, ...insertImages(request, images) }, release }
        const grown = await port.ask({ body, members, images })
        return { request: { ...request, members: grown.members, body: Buffer.from(grown.body) }, release }
      } catch (fault) {
        release()
        throw fault
      }
    },
    rest: port.rest,
    stop: port.stop,
  }
}
