import type { IncomingHttpHeaders } from 'node:http'
import type { Permission } from '@headgate/contract/roles.ts'
import type { Exchange } from '../domain/exchange.ts'
import type { Caller } from '../domain/caller.ts'
import type { NamedRequest, Turn } from '../domain/kept-answer.ts'
import type { Walk } from '../domain/walk.ts'
import type { CancelSignal } from '../kernel/cancellation.ts'
import type { AppError } from '../kernel/errors.ts'

/** How the door learns who is calling. */
export interface IdentityPorts {
  /**
   * `headers` may hold a second proof beside the credential; `beforeAsking` may throw where the credential is not known
   * yet and would be looked up. @throws AppError of the authentication family, `issuer_unavailable` or `database_unavailable`.
   */
  readonly authenticate: (
    credential: string | null,
    headers: IncomingHttpHeaders,
    beforeAsking?: () => void,
  ) => Caller | Promise<Caller>
  /**
   * Who the operator is, for the audit, when they have the permission; `beforeAsking` as above.
   * @throws AppError of the authentication family, or `database_unavailable`.
   */
  readonly authenticateAdmin: (
    credential: string | null,
    permission: Permission,
    beforeAsking?: () => void,
  ) => string | Promise<string>
  /** @throws AppError `origin_not_allowed` when a browser key is used from a page it is not bound to. */
  readonly checkOrigin: (caller: Caller, headers: IncomingHttpHeaders) => void
  /** Whether any active publishable key is bound to this origin. */
  readonly corsAllows: (origin: string) => boolean
  /** Told of a call whose person’s browser asks not to be tracked. */
  readonly heardOptOut: (exchange: Exchange) => void
}

/** What is asked of an address, whoever calls from it. The limits write their headers when they refuse. */
export interface StrangerPorts {
  /** Asked before the key is looked at. @throws AppError `address_denied` or `country_denied`. */
  readonly mayCall: (address: string) => void
  /** Counts a request that named no valid key. @throws AppError `rate_limit_exceeded`. */
  readonly stranger: (address: string, headers: Record<string, string>) => void | Promise<void>
  /** Called before an unknown key is looked up. @throws AppError `rate_limit_exceeded`. */
  readonly mayAsk: (address: string, headers: Record<string, string>) => void
}

/** Refuses work that is more than the process can bear, before it costs anything. @throws AppError `overloaded`. */
export interface SheddingPorts {
  readonly mayEnter: (caller: Caller) => void
  /** Takes room for a body of so many bytes, in turn where there is none; gives what to call when it is no longer held. */
  readonly holdBody: (
    bytes: number,
    by: { readonly holder: string; readonly signal: CancelSignal },
  ) => (() => void) | Promise<() => void>
}

/** Recognises requests that name themselves by an `Idempotency-Key`. */
export interface IdempotencyPorts {
  /**
   * @throws AppError `idempotency_key_reused`, `idempotency_in_progress`, `not_replayable`, `client_closed_request`, or a
   * database's fault
   */
  readonly begin: (request: NamedRequest, signal: CancelSignal) => Promise<Turn>
  /** The longest answer that is kept, as of now. */
  readonly maxAnswerBytes: () => number
}

/** One answered request, for the log and the counters. */
export interface Answered {
  /** `req_…`; what was sent as `x-request-id` where it was refused before an id was made. */
  readonly id: string
  readonly requestId: string
  readonly method: string
  /** The declared path, never the one that was sent. */
  readonly route: string
  readonly status: number
  readonly durationMs: number
  /** Whether the route will go. */
  readonly isDeprecated: boolean
  readonly fault: AppError | null
  readonly caller: Caller | null
  /** Stamps of the stages; null where no API key is asked for. */
  readonly walk: Walk | null
}

/** Writes the log line and the counters of an answered request. */
export type Observe = (answered: Answered) => void
