import { isIP, type LookupFunction } from 'node:net'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { Client } from 'undici'
import type { CancelSignal } from './cancellation.ts'
import { AppError } from './errors.ts'
import { imageTypeOf } from './image-type.ts'
import { type AddressRange, isInRanges, isPublicAddress } from './outbound-address.ts'
import type { Resolve, ResolvedAddress } from './outbound-resolve.ts'

/** What is fetched of strangers' addresses, and within which bounds. */
export interface GuardedSettings {
  /** `http:` is taken too. */
  readonly plainHttp: boolean
  /** Beside 443, and 80 where `plainHttp`. */
  readonly ports: ReadonlySet<number>
  /** Most bytes of what is fetched, as sent and as unpacked. */
  readonly maxBytes: number
  /** For names, all hops and all bytes together. */
  readonly timeoutMs: number
  /** Not public, and reached all the same. */
  readonly allowed: readonly AddressRange[]
  readonly resolve: Resolve
  /** Said of who asks. */
  readonly userAgent: string
}

/** A picture that was fetched. */
export interface FetchedImage {
  /** By its bytes. */
  readonly type: string
  readonly bytes: Buffer
}

const MOST_REDIRECTS = 3
const LONGEST_URL = 2_048
const redirects = new Set([301, 302, 303, 307, 308])
const unpackers = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const

const refused = (detail: string): AppError => new AppError('url_refused', { detail })
const unavailable = (detail: string, cause?: unknown): AppError => new AppError('url_unavailable', { detail, cause })
const unfit = (detail: string): AppError => new AppError('url_content_refused', { detail })
// Whether a name has no address or a private one must not be told apart: it would map the network behind.
const nowhere = (): AppError => refused('The host of the URL has no public address.')

const portOf = ({ protocol, port }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80)

/**
 * The host as it was written, in small letters; the parser has put `0x7f.1` and the like into the usual form. Null where a redirect names
 * none.
 */
const writtenHost = (text: string, isRedirect: boolean): string | null => {
  const start = isRedirect ? /^(?:[a-z]+:)?[\\/]{2,}([^\\/?#]*)/i : /^[a-z]+:[\\/]*([^\\/?#]*)/i
  const authority = start.exec(text.trim())?.[1]
  return authority === undefined ? null : authority.replace(/:\d*$/, '').toLowerCase()
}

/** Reads an address to be fetched. @throws AppError `url_refused`. */
const readUrl = (text: string, base: URL | undefined, { plainHttp, ports }: GuardedSettings): URL => {
  if (text.length > LONGEST_URL) throw refused(`The URL is longer than ${LONGEST_URL} characters.`)
  const url = URL.parse(text, base?.href)
  if (url === null) throw refused('The URL cannot be read.')
  if (url.protocol !== 'https:' && !(plainHttp && url.protocol === 'http:'))
    throw refused(`Only ${plainHttp ? 'https and http URLs are' : 'https URLs are'} fetched.`)
  if (url.username !== '' || url.password !== '') throw refused('A URL that holds a name or a password is not fetched.')
  const port = portOf(url)
  if (port !== 443 && !(plainHttp && port === 80) && !ports.has(port))
    throw refused('The port of the URL is not allowed.')
  const host = hostOf(url)
  if (isIP(host) === 0 && !host.replace(/\.$/, '').includes('.')) throw nowhere()
  // Who writes an address in another way than anybody would, hides it.
  const written = writtenHost(text, base !== undefined)
  if (isIP(host) === 4 && written !== null && written !== host)
    throw refused('The host of the URL is an address in an unusual form.')
  return url
}

/** Without the brackets of IPv6. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

/** Connects to what was resolved, whatever the name may mean by then. */
const pinned =
  (addresses: readonly ResolvedAddress[]): LookupFunction =>
  (_name, options, done) => {
    const [first] = addresses
    if (options.all === true) done(null, [...addresses])
    else done(null, (first as ResolvedAddress).address, (first as ResolvedAddress).family)
  }

/** All must be allowed: of one that is not, the next connection might take it. @throws AppError `url_refused`. */
const addressesOf = async (url: URL, { resolve, allowed }: GuardedSettings): Promise<readonly ResolvedAddress[]> => {
  const host = hostOf(url)
  const family = isIP(host)
  const found = family === 0 ? await resolve(host) : [{ address: host, family: family as 4 | 6 }]
  const mayReach = ({ address }: ResolvedAddress) => isPublicAddress(address) || isInRanges(address, allowed)
  if (found.length === 0 || !found.every(mayReach)) throw nowhere()
  return found
}

const one = (value: string | string[] | undefined): string => (Array.isArray(value) ? (value[0] ?? '') : (value ?? ''))

const readAll = async (body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxBytes) throw unfit(`What the URL leads to is larger than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

const unpack = async (bytes: Buffer, encoding: string, maxBytes: number): Promise<Buffer> => {
  if (encoding === '' || encoding === 'identity') return bytes
  const unpacker = Object.hasOwn(unpackers, encoding) ? unpackers[encoding as keyof typeof unpackers] : undefined
  if (unpacker === undefined) throw unfit('What the URL leads to is packed in an unknown way.')
  try {
    return await unpacker(bytes, { maxOutputLength: maxBytes })
  } catch {
    throw unfit(`What the URL leads to cannot be unpacked, or is larger than ${maxBytes} bytes.`)
  }
}

const declaresImage = (type: string): boolean => {
  const essence = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return essence === '' || essence.startsWith('image/') || /^(application|binary)\/octet-stream$/.test(essence)
}

/**
 * Fetches pictures from addresses that callers name. A name is resolved once, all its addresses must be public, and the connection goes to
 * those; so it is for each of at most three redirects. Nothing of the caller or of the house is sent along.
 */
export const createGuardedFetcher = (settings: () => GuardedSettings) => {
  const hop = async (
    url: URL,
    setting: GuardedSettings,
    signal: AbortSignal,
  ): Promise<{ readonly location: string } | FetchedImage> => {
    const addresses = await addressesOf(url, setting)
    signal.throwIfAborted()
    const connect = { lookup: pinned(addresses), timeout: setting.timeoutMs, autoSelectFamily: addresses.length > 1 }
    const client = new Client(url.origin, { connect, pipelining: 0, maxHeaderSize: 16_384 })
    try {
      const answer = await client.request({
        method: 'GET',
        path: url.pathname + url.search,
        headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': setting.userAgent },
        signal,
      })
      const { statusCode: status, headers } = answer
      const body = answer.body.on('error', () => undefined)
      if (redirects.has(status)) {
        const location = one(headers['location'])
        if (location === '') throw unavailable(`The URL answered ${status} and said no other place.`)
        return { location }
      }
      if (status !== 200) throw unavailable(`The URL answered ${status}.`)
      if (!declaresImage(one(headers['content-type']))) throw unfit('The URL leads to something that is no picture.')
      if (Number(headers['content-length'] ?? 0) > setting.maxBytes)
        throw unfit(`What the URL leads to is larger than ${setting.maxBytes} bytes.`)
      const sent = await readAll(body, setting.maxBytes)
      const bytes = await unpack(sent, one(headers['content-encoding']).toLowerCase(), setting.maxBytes)
      const type = imageTypeOf(bytes)
      if (type === null) throw unfit('What the URL leads to is neither PNG, JPEG, GIF nor WebP.')
      return { type, bytes }
    } finally {
      client.destroy().catch(() => undefined)
    }
  }

  const follow = async (text: string, setting: GuardedSettings, signal: AbortSignal): Promise<FetchedImage> => {
    let url = readUrl(text, undefined, setting)
    for (let followed = 0; ; followed++) {
      const found = await hop(url, setting, signal)
      if (!('location' in found)) return found
      if (followed === MOST_REDIRECTS) throw unavailable(`The URL leads on more than ${MOST_REDIRECTS} times.`)
      url = readUrl(found.location, url, setting)
    }
  }

  /** @throws AppError `url_refused`, `url_unavailable`, `url_content_refused`, or `client_closed_request`. */
  return async (text: string, signal: CancelSignal): Promise<FetchedImage> => {
    if (signal.aborted) throw new AppError('client_closed_request')
    const setting = settings()
    const ending = new AbortController()
    const leave = (): void => ending.abort()
    const timer = setTimeout(leave, setting.timeoutMs)
    signal.addEventListener('abort', leave)
    try {
      const ended = new Promise<never>((_resolve, reject) => {
        ending.signal.addEventListener('abort', () => reject(new Error('It took too long.')))
      })
      // A name that is being resolved hears of no signal.
      return await Promise.race([follow(text, setting, ending.signal), ended])
    } catch (fault) {
      if (fault instanceof AppError) throw fault
      if (signal.aborted)
        throw signal.reason instanceof AppError ? signal.reason : new AppError('client_closed_request')
      if (ending.signal.aborted) throw unavailable(`The URL gave no whole answer within ${setting.timeoutMs} ms.`)
      throw unavailable('The host of the URL could not be reached, or broke off.', fault)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
      ending.abort()
    }
  }
}
