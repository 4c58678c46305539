import type { Framing } from '../openai/expectation.ts'
import { faultOfStatus } from '../openai/faults.ts'
import { ProviderFault } from '../provider.ts'
import { malformedStream } from '../translation/malformed-stream.ts'
import { isObject, type Members, membersOf } from '../translation/parts.ts'
import { createFramedReader, FirstMessageScanner } from './event-stream.ts'

/** The status that each exception of a stream would have had (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html). */
const statuses: Readonly<Record<string, number>> = {
  internalServerException: 500,
  modelStreamErrorException: 424,
  modelTimeoutException: 408,
  serviceUnavailableException: 503,
  throttlingException: 429,
  validationException: 400,
}

/**
 * What a status of Bedrock's means: 424 is a fault of the model's, 429 also that a model is not ready yet; 404, and some words with 400, that
 * there is no such model here.
 */
export const bedrockFault: typeof faultOfStatus = (status, body, retryAfterMs, secrets) => {
  // Member names come in either case.
  const { message, Message } = membersOf(body)
  const fault = faultOfStatus(status === 424 ? 502 : status, { message: message ?? Message }, retryAfterMs, secrets)
  const { options } = fault
  const isModel =
    status === 404 || (status === 400 && /model identifier is invalid|on-demand throughput/i.test(options.detail ?? ''))
  if (!isModel && status !== 424) return fault
  const code = isModel ? 'model_not_found' : fault.code
  const retry = isModel ? 'elsewhere' : fault.retry
  return new ProviderFault(code, {
    ...options,
    upstreamStatus: status,
    retry,
    upstreamRetryAfterMs: fault.upstreamRetryAfterMs,
  })
}

/** The fault that an exception inside a stream means; null for any other event. */
export const faultOfException = (event: Members, secrets: readonly string[]): ProviderFault | null => {
  const { exception, body } = event
  if (typeof exception !== 'string') return null
  const name = exception.charAt(0).toLowerCase() + exception.slice(1)
  const fault = bedrockFault(statuses[name] ?? 500, body, undefined, secrets)
  return new ProviderFault(fault.code, { ...fault.options, upstreamStatus: 200, retry: fault.retry })
}

/** An event of the reader's. @throws ProviderFault `upstream_malformed`. */
export const parseEvent = (data: string): Members => {
  try {
    const value: unknown = JSON.parse(data)
    if (isObject(value)) return value
  } catch {
    // Told below.
  }
  throw malformedStream('An event of the stream is no JSON object.')
}

/** How the events of `ConverseStream` are framed. */
export const eventStreamFraming: Framing = {
  isType: (type) => typeof type === 'string' && /^application\/vnd\.amazon\.eventstream\b/i.test(type),
  scanner: () => new FirstMessageScanner(),
  faultOf: (head, secrets) => {
    try {
      const [first] = createFramedReader().push(head)
      return first === undefined
        ? malformedStream('The stream cannot be read.')
        : faultOfException(parseEvent(first), secrets)
    } catch (fault) {
      if (fault instanceof ProviderFault) return fault
      throw fault
    }
  },
}
