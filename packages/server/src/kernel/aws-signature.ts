import { createHash, createHmac } from 'node:crypto'

/** Who signs; the token comes with keys that are lent for a time. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What is signed. */
export interface AwsRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * Each segment of a path that is encoded already is encoded once more, as every service but S3 wants it; S3 wants it encoded once
 * (same page, “canonical URI”).
 */
const canonicalPath = (pathname: string, service: string): string =>
  pathname
    .split('/')
    .map((segment) => encoded(service === 's3' ? decodeURIComponent(segment) : segment))
    .join('/')

/** The parameters by name, encoded as a path is (same page, “canonical query string”). */
const canonicalQuery = (parameters: URLSearchParams): string =>
  [...parameters]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&')

/**
 * The headers of a request with Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 * `at` in milliseconds since the epoch.
 */
export const signedHeaders = (
  request: AwsRequest,
  credentials: AwsCredentials,
  region: string,
  service: string,
  at: number,
): Record<string, string> => {
  const { host, pathname, searchParams } = new URL(request.url)
  const time = new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`
  const bodyHash = sha256(request.body)
  const headers: Record<string, string> = {
    ...request.headers,
    host,
    'x-amz-date': time,
    // S3 compares it with what arrives (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
    ...(service === 's3' && { 'x-amz-content-sha256': bodyHash }),
    ...(credentials.sessionToken !== undefined && { 'x-amz-security-token': credentials.sessionToken }),
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    request.method,
    canonicalPath(pathname, service),
    canonicalQuery(searchParams),
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    '',
    names.join(';'),
    bodyHash,
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const key = [region, service, 'aws4_request'].reduce(
    (former, part) => hmac(former, part),
    hmac(`AWS4${credentials.secretAccessKey}`, time.slice(0, 8)),
  )
  const signature = hmac(key, toSign).toString('hex')
  const { host: _host, ...sent } = headers
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}
