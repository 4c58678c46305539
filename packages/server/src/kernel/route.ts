import type { TSchema } from 'typebox'
import type { Exchange } from '../domain/exchange.ts'
import type { StreamSource } from '../domain/upstream.ts'

/** What a handler gets of an HTTP request, already checked against the route's declaration. */
export interface RouteInput {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  /** The parsed body where `body` declares a schema; the raw bytes where it is `'bytes'`; else undefined. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly requestId: string
  /** Client address behind the trusted proxies. */
  readonly address: string
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal
}

/** A caller route also knows its exchange; an admin route who the operator is. */
export interface CallerInput extends RouteInput {
  readonly exchange: Exchange
}
export interface AdminInput extends RouteInput {
  /** How the audit names the operator. */
  readonly actor: string
}

/** What a handler answers. */
export type Reply =
  | {
      readonly kind: 'json'
      readonly status?: number
      readonly value: unknown
      readonly headers?: Record<string, string>
    }
  | {
      readonly kind: 'bytes'
      readonly status?: number
      readonly contentType: string
      readonly bytes: Buffer | string
      readonly headers?: Record<string, string>
    }
  /** An event stream; the status line waits for the promise, so that a fault before the first part keeps its status. */
  | { readonly kind: 'events'; readonly stream: Promise<StreamSource> }

interface RouteDeclaration {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** With `:name` for parameters. */
  readonly path: string
  /** One line for the reference. */
  readonly summary: string
  readonly query?: TSchema
  /** A schema, or `'bytes'` for a handler that reads the body itself. */
  readonly body?: TSchema | 'bytes'
  /** Schema of the 2xx answer, for the reference. */
  readonly answer?: TSchema
  /** Most bytes the body may have; 64 KiB when not stated. */
  readonly maxBodyBytes?: number
}

/**
 * A route is a declaration; access is required so that none can be forgotten: anyone, the holder of an API key, or the
 * operator.
 */
export type Route = RouteDeclaration &
  (
    | { readonly access: 'public'; readonly handle: (input: RouteInput) => Promise<Reply> | Reply }
    | {
        readonly access: 'caller'
        /** Publishable keys may call it too; false or absent means secret keys only. */
        readonly browser?: boolean
        readonly handle: (input: CallerInput) => Promise<Reply> | Reply
      }
    | { readonly access: 'admin'; readonly handle: (input: AdminInput) => Promise<Reply> | Reply }
  )

/** Declares a route. */
export const defineRoute = (route: Route): Route => route
