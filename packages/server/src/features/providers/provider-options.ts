import type { ProviderKind } from '../../domain/provider-kind.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Templates } from './http/template.ts'
import type { Timeouts } from './openai/call.ts'
import type { DialectName } from './openai/dialect.ts'

/** A value that only shows itself when asked. */
interface Secret {
  reveal(): string
}

/** How one provider is reached. */
export interface ProviderOptions {
  readonly kind: ProviderKind
  /** Needed by all kinds but `demo` and `local`. */
  readonly baseUrl?: string | undefined
  readonly apiKey?: Secret | undefined
  /** Further keys, used in turn when one is asked for too much or refused. */
  readonly moreKeys?: readonly Secret[] | undefined
  readonly headers?: Readonly<Record<string, Secret>> | undefined
  /** Of Azure OpenAI: the API version of the surface by deployments; absent: the v1 surface. */
  readonly apiVersion?: string | undefined
  /** Address of an HTTP proxy; null: none, whatever holds for the others. */
  readonly proxy?: string | null | undefined
  /** What that proxy asks for: `user:password`. */
  readonly proxyLogin?: Secret | undefined
  /** PEM of authorities that are trusted beside the usual ones. */
  readonly ca?: string | undefined
  /** Ask for the usage of every stream (true); false for a server that refuses `stream_options`. */
  readonly streamUsage?: boolean | undefined
  /** Pictures named by addresses are fetched here, whatever the provider could fetch. */
  readonly fetchImages?: boolean | undefined
  /** Of `openai`: the words of its host, where the address does not tell. */
  readonly dialect?: DialectName | undefined
  /** Of `elevenlabs`: ids of voices by the names that callers write. */
  readonly voices?: Readonly<Record<string, string>> | undefined
  /** Of `http`: how each operation is asked for. */
  readonly templates?: Templates | undefined
  /** Of `http`: the models that it lists. */
  readonly models?: readonly string[] | undefined
  /** Of `local`: folders where programs are looked for. */
  readonly searchPath?: string | undefined
  /** Nobody named it: it was found on this machine. */
  readonly isFound?: boolean | undefined
  /** Where they differ from those of the house. */
  readonly timeouts?: Partial<Timeouts> | undefined
}

/** What all providers of the house have in common. */
export interface ProviderDefaults {
  readonly timeouts: Timeouts
  readonly maxResponseBytes: number
  /** Most connections to one provider. */
  readonly connections: number
  /** Of all providers that name none of their own. */
  readonly proxy?: string | undefined
  readonly proxyLogin?: Secret | undefined
  readonly ca?: string | undefined
  /** Of Headgate, for the user agent. */
  readonly version: string
  readonly clock: Clock
}
