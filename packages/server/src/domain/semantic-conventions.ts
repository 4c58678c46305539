/**
 * Names of OpenTelemetry’s semantic conventions that our spans use. Those of generative AI are still in development and may be
 * renamed: a new version is taken over here, in one place, and told in the changes.
 */
const conventionsVersion = '1.38.0'
export const conventionsUrl = `https://opentelemetry.io/schemas/${conventionsVersion}`

export const attribute = {
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  errorType: 'error.type',
  genAiOperation: 'gen_ai.operation.name',
  genAiProvider: 'gen_ai.provider.name',
  genAiRequestModel: 'gen_ai.request.model',
  genAiResponseModel: 'gen_ai.response.model',
  genAiInputTokens: 'gen_ai.usage.input_tokens',
  genAiOutputTokens: 'gen_ai.usage.output_tokens',
  resendCount: 'http.request.resend_count',
  // Our own, for what no convention names.
  requestId: 'headgate.request_id',
  callId: 'headgate.id',
  project: 'headgate.project',
  keyId: 'headgate.key_id',
  tier: 'headgate.tier',
  outcome: 'headgate.outcome',
  costUsd: 'headgate.cost_usd',
  stage: 'headgate.stage',
  stream: 'headgate.stream',
} as const
