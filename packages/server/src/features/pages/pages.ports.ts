import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'

/** A file of the built documentation or of the pages' own assets. */
export interface PageFile {
  readonly bytes: Buffer
  readonly contentType: string
  readonly etag: string
}

/** What the pages ask of the house. */
export interface PagesPorts {
  /** The address callers use, without a trailing slash; null where the request itself must tell. */
  readonly publicUrl: string | null
  /** The address this process listens on, for a request that does not say which it used. */
  readonly ownAddress: () => string
  readonly scheme: 'http' | 'https'
  /** A file of the built documentation by its path; null where there is none. */
  readonly documentation: (path: string) => Promise<PageFile | null>
  /** A file of `assets/`. */
  readonly asset: (path: string) => Promise<PageFile | null>
  /** The status, headers and body with which an error leaves. */
  readonly presentError: (code: ErrorCode) => {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: object
  }
}
