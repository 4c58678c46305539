import type { Usage } from '../../../domain/usage.ts'
import { readUsage } from '../../../domain/usage-report.ts'
import { ProviderFault } from '../provider.ts'
import { isObject, listOf, type Members, membersOf } from '../translation/parts.ts'
import { blockReason, finishReason, openaiUsage, readParts, signed } from './candidates.ts'
import { refusedPrompt } from './faults.ts'

const malformed = (): ProviderFault =>
  new ProviderFault('upstream_malformed', { upstreamStatus: 200, retry: 'elsewhere' })

const parse = (body: Buffer): Members => {
  try {
    return membersOf(JSON.parse(body.toString('utf8')))
  } catch {
    throw malformed()
  }
}

const choiceOf = (candidate: Members, index: number, callId: () => string) => {
  const { text, reasoning, calls, signature } = readParts(candidate, callId)
  return {
    index: typeof candidate['index'] === 'number' ? candidate['index'] : index,
    message: {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      refusal: null,
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(reasoning !== '' && { reasoning_content: reasoning }),
      ...signed(signature),
    },
    logprobs: null,
    finish_reason: finishReason(candidate['finishReason'], calls.length > 0),
  }
}

/**
 * A whole `generateContent` answer as a chat completion. Thoughts are read out as `reasoning_content`.
 * @param created seconds since the epoch: Gemini does not say it.
 * @throws ProviderFault `upstream_malformed` when it is no answer, `upstream_content_refused` when the prompt was blocked.
 */
export const translateAnswer = (
  body: Buffer,
  model: string,
  created: number,
): { body: Buffer; usage: Usage | null } => {
  const answer = parse(body)
  const blocked = blockReason(answer)
  if (blocked !== null) throw refusedPrompt(blocked)
  const candidates = listOf(answer['candidates']).filter(isObject)
  if (candidates.length === 0) throw malformed()
  const id = typeof answer['responseId'] === 'string' ? answer['responseId'] : `gemini-${created}`
  let calls = 0
  const usage = openaiUsage(answer['usageMetadata'])
  const completion = {
    id,
    object: 'chat.completion',
    created,
    model: answer['modelVersion'] ?? model,
    choices: candidates.map((candidate, index) => choiceOf(candidate, index, () => `call_${id}_${calls++}`)),
    ...(usage !== null && { usage }),
  }
  return { body: Buffer.from(JSON.stringify(completion)), usage: usage === null ? null : readUsage(usage) }
}
