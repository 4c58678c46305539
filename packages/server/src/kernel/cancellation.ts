/** What is called when a cancellation comes; an object spares the closure. */
export type CancelListener = (() => void) | { handleEvent(): void }

/** Tells that nobody wants the result any more. An `AbortSignal` is one too. */
export interface CancelSignal {
  readonly aborted: boolean
  /** Why; undefined until then. */
  readonly reason: unknown
  addEventListener(type: 'abort', listener: CancelListener): void
  removeEventListener(type: 'abort', listener: CancelListener): void
}

/**
 * A signal and its source in one object, for what every request carries: an `AbortController` with one listener costs
 * as much as reading the request does.
 */
export class Cancellation implements CancelSignal {
  aborted = false
  reason: unknown = undefined
  #listener: CancelListener | null = null
  #more: Set<CancelListener> | null = null

  /** Cancels once; later calls are ignored. All are told, then what the first of them threw is thrown. */
  abort(reason?: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const listeners = [...(this.#listener ? [this.#listener] : []), ...(this.#more ?? [])]
    this.#listener = null
    this.#more = null
    const faults: unknown[] = []
    for (const listener of listeners) {
      try {
        if (typeof listener === 'function') listener()
        else listener.handleEvent()
      } catch (fault) {
        faults.push(fault)
      }
    }
    if (faults.length > 0) throw faults[0]
  }

  addEventListener(_type: 'abort', listener: CancelListener): void {
    if (this.aborted || this.#listener === listener) return
    if (this.#listener === null) this.#listener = listener
    else (this.#more ??= new Set()).add(listener)
  }

  removeEventListener(_type: 'abort', listener: CancelListener): void {
    if (this.#listener === listener) this.#listener = null
    else this.#more?.delete(listener)
  }
}
