/** Every header name that Headgate reads or writes on its own account, lower case as Node.js gives them. */
export const header = {
  requestId: 'x-request-id',
  retryAfter: 'retry-after',
  retryAfterMs: 'retry-after-ms',
  shouldRetry: 'x-should-retry',
  model: 'x-headgate-model',
  provider: 'x-headgate-provider',
  attempts: 'x-headgate-attempts',
  overheadMs: 'x-headgate-overhead-ms',
  queueMs: 'x-headgate-queue-ms',
  costUsd: 'x-headgate-cost-usd',
  warning: 'x-headgate-warning',
  route: 'x-headgate-route',
  tags: 'x-headgate-tags',
  resume: 'x-headgate-resume',
  stream: 'x-headgate-stream',
  lastEventId: 'last-event-id',
  idempotencyKey: 'idempotency-key',
  idempotentReplayed: 'idempotent-replayed',
  user: 'x-headgate-user',
  userSignature: 'x-headgate-user-signature',
  rateLimitLimit: 'x-ratelimit-limit',
  rateLimitRemaining: 'x-ratelimit-remaining',
  rateLimitReset: 'x-ratelimit-reset',
  openaiLimitRequests: 'x-ratelimit-limit-requests',
  openaiRemainingRequests: 'x-ratelimit-remaining-requests',
  openaiResetRequests: 'x-ratelimit-reset-requests',
  openaiLimitTokens: 'x-ratelimit-limit-tokens',
  openaiRemainingTokens: 'x-ratelimit-remaining-tokens',
  openaiResetTokens: 'x-ratelimit-reset-tokens',
  rateLimit: 'ratelimit',
  rateLimitPolicy: 'ratelimit-policy',
  deprecation: 'deprecation',
  sunset: 'sunset',
  link: 'link',
} as const

const sent: readonly string[] = [
  header.user,
  header.userSignature,
  header.idempotencyKey,
  header.tags,
  header.resume,
  header.lastEventId,
]

/** What a browser may read from a cross-origin answer: all of them but those that only callers send. */
export const exposedHeaders: readonly string[] = Object.values(header).filter((name) => !sent.includes(name))
