import type { ApiTag } from '@headgate/contract/api-tags.ts'
import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { Permission } from '@headgate/contract/roles.ts'
import type { TSchema } from 'typebox'
import type { Exchange } from '../domain/exchange.ts'
import type { BinarySource, StreamSource } from '../domain/upstream.ts'
import type { CancelSignal } from './cancellation.ts'

/** A body that a handler reads as it comes. */
export interface BodyStream {
  /** Bytes that were announced; null where none were. */
  readonly length: number | null
  /**
   * The bytes, once: who waits for `100 Continue` is told to go on when the first are asked for. Throws AppError
   * `request_too_large` beyond the most that the route takes, `client_closed_request` when the caller leaves.
   */
  readonly pieces: () => AsyncIterable<Buffer>
}

/** Most bytes of a body where its route says nothing else. */
const usualBodyBytes = 65_536

/** Most bytes that the body of a request to a route may have. */
export const bodyLimit = ({ maxBodyBytes = usualBodyBytes }: Pick<RouteDeclaration, 'maxBodyBytes'>): number =>
  maxBodyBytes

/** What a handler gets of an HTTP request, already checked against the route's declaration. */
export interface RouteInput {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  /** The parsed body where `body` declares a schema; the raw bytes where it is `'bytes'`; a `BodyStream` where it is `'stream'`; else undefined. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly requestId: string
  /** Client address behind the trusted proxies. */
  readonly address: string
  /** Aborts when the caller goes away. */
  readonly signal: CancelSignal
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
  /** A file that comes in pieces; `release` is called once it was sent or the caller has left. */
  | {
      readonly kind: 'file'
      readonly status?: 200 | 206
      readonly contentType: string
      readonly pieces: Iterable<string> | AsyncIterable<Buffer>
      readonly headers?: Record<string, string>
      readonly release: () => void
    }
  /** An event stream; the status line waits for the promise, so that a fault before the first part keeps its status. */
  | {
      readonly kind: 'events'
      readonly stream: Promise<StreamSource>
      /** Of a stream that outlives its reader: told that the status line leaves, and the headers with it. */
      readonly begun?: () => void
    }
  /** Bytes as they come; a fault after the first ones resets the connection, so that nobody takes the answer for whole. */
  | { readonly kind: 'binary'; readonly stream: Promise<BinarySource> }

/** Whose clients a route's errors are for. */
export type ErrorWords = 'openai' | 'messages' | 'responses'

/** That a route will go. Days are such as `2027-01-31`, from their beginning in UTC. */
export interface Deprecation {
  readonly since: string
  /** When it ends, no earlier than `since`; absent while that is open. */
  readonly sunset?: string
  /** Path of the route that comes after it. */
  readonly successor?: string
}

interface RouteDeclaration {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** With `:name` for parameters; a `*` at the end takes the rest. */
  readonly path: string
  /** One line for the reference. */
  readonly summary: string
  readonly query?: TSchema
  /** A schema, `'bytes'` for a handler that reads the JSON itself, `'form'` for one that reads a form, `'stream'` for one that reads any bytes as they come. */
  readonly body?: TSchema | 'bytes' | 'form' | 'stream'
  /** Most bytes the body may have; 64 KiB when not stated. */
  readonly maxBodyBytes?: number
  /** Headers of the answer to `OPTIONS` on its path, asked anew each time. */
  readonly optionsHeaders?: () => Readonly<Record<string, string>>
  /** It is reached under `/v1` alone, unlike what clients of OpenAI ask for. */
  readonly prefixedOnly?: true
  /** Absent: OpenAI's. */
  readonly errorWords?: ErrorWords
  /** It answers with a file, made anew for each request and kept nowhere. */
  readonly answersFile?: true
  /** Each answer costs money or may last for minutes, so `HEAD` is not taken for `GET` without its body. */
  readonly isCostly?: true
  /** Told in every answer and in the reference; its use is counted. */
  readonly deprecated?: Deprecation
  /** Null for a page that people read: it is no part of the API. */
  readonly reference: RouteReference | null
}

/** What the API reference tells of a route beyond its declaration: `/openapi.json` is written from it. */
export interface RouteReference {
  /** Name of the operation, by which generated clients call it; never changed. */
  readonly operationId: string
  readonly tag: ApiTag
  /** More than the summary says, in Markdown. */
  readonly description?: string
  /** An object schema with one member per parameter of the path, in their order; the last one may be its `*`. */
  readonly params?: TSchema
  /** Of a body that the handler reads itself. */
  readonly body?: TSchema
  /** Its content type where it is a stream; `application/octet-stream` when not stated. */
  readonly bodyType?: string
  /** Bodies to begin with, by name. */
  readonly bodyExamples?: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>
  /** Of the answer when all went well. */
  readonly answer: TSchema
  /** Its status; 200 when not stated. */
  readonly status?: number
  /** Its content type; `application/json` when not stated. */
  readonly contentType?: string
  /** Other types that a good answer may have, by content type. */
  readonly otherTypes?: Readonly<Record<string, TSchema>>
  /** Of the JSON in each event, where the answer may be a stream. */
  readonly events?: TSchema
  /** Answers that are no errors, by another status. */
  readonly otherAnswers?: Readonly<Record<number, { readonly description: string; readonly answer?: TSchema }>>
  /** Headers of the answer, beyond those that its access implies. */
  readonly answerHeaders?: readonly string[]
  /** Errors beyond those that its access, query and body imply. */
  readonly errors?: readonly ErrorCode[]
}

/**
 * A route is a declaration; access is required so that none can be forgotten: anyone, the holder of an API key, or an
 * operator with the permission that it names.
 */
export type Route = RouteDeclaration &
  (
    | { readonly access: 'public'; readonly handle: (input: RouteInput) => Promise<Reply> | Reply }
    | {
        readonly access: 'caller'
        /**
         * Publishable keys and people may call it too; `person`: only with a person, of whom it answers alone. Absent: secret
         * keys only.
         */
        readonly browser?: true | 'person'
        /** A publishable key may stand in the query as `key`, for what a page asks for by an address alone, such as an image. */
        readonly keyInQuery?: true
        readonly handle: (input: CallerInput) => Promise<Reply> | Reply
      }
    | {
        readonly access: 'admin'
        /** What an operator must be allowed to do; which roles are, says the contract. */
        readonly permission: Permission
        readonly handle: (input: AdminInput) => Promise<Reply> | Reply
      }
  )

/** Declares a route. */
export const defineRoute = (route: Route): Route => route
