import type { InferenceRequest } from '../../../domain/inference.ts'
import { withMember } from '../../../domain/request-member.ts'
import { createLosses } from '../translation/losses.ts'

/** A host that speaks OpenAI's protocol in words of its own, where its address does not tell. */
export type DialectName = 'mistral'

/** How a compatible host differs in what it takes. */
interface Dialect {
  readonly host: string
  /** Members that it knows by another name: ours, then its own. */
  readonly renamed: readonly (readonly [string, string])[]
  /** Members that it refuses and that change nothing of the answer. */
  readonly needless: readonly string[]
  /** Members that it refuses, and what to do without them. */
  readonly unknown: readonly (readonly [string, string])[]
}

/**
 * Mistral answers 422 `extra_forbidden` to `stream_options.include_usage` (github.com/avante-corp/avante.nvim/issues/2347), `max_completion_tokens`
 * (github.com/editor-code-assistant/eca/issues/231) and `store` (github.com/Gitlawb/openclaude/issues/739); the seed is `random_seed` (docs.mistral.ai/api).
 */
const dialects: Readonly<Record<DialectName, Dialect>> = {
  mistral: {
    host: 'api.mistral.ai',
    renamed: [
      ['max_completion_tokens', 'max_tokens'],
      ['seed', 'random_seed'],
    ],
    needless: ['stream_options', 'strict'],
    unknown: [['store', 'Leave it out: this provider keeps no answers.']],
  },
}

/** OpenAI and Azure refuse members that they do not know, of which `safe` in a call for pictures is one that others do (400 `unknown_parameter`). */
export const withoutSafe = (request: InferenceRequest): InferenceRequest =>
  request.operation === 'images' ? withMember(request, 'safe', null) : request

/** A request in the words of one host. */
export interface Adapted {
  readonly request: InferenceRequest
  /** What was left out, for `x-headgate-warning`; null when nothing was. */
  readonly warning: string | null
}

/** Puts requests into the words of a host; null for one that takes them as they are. */
export const adapterFor = (
  hostname: string,
  stated: DialectName | undefined,
): ((request: InferenceRequest) => Adapted) | null => {
  const dialect =
    stated === undefined ? Object.values(dialects).find(({ host }) => host === hostname) : dialects[stated]
  if (dialect === undefined) return null
  return (original) => {
    if (original.operation !== 'chat') return { request: original, warning: null }
    const losses = createLosses()
    const strict = original.members.get('strict')
    let request = original
    for (const [ours, theirs] of dialect.renamed) {
      if (!request.members.has(ours)) continue
      request = withMember(withMember(request, theirs, null), ours, theirs)
    }
    for (const name of dialect.needless) request = withMember(request, name, null)
    for (const [name, why] of dialect.unknown) {
      if (request.members.has(name)) losses.note(name, why)
      request = withMember(request, name, null)
    }
    // `strict` is read where the body says it, as in translated calls.
    if (strict !== undefined && original.body.toString('utf8', strict.start, strict.end) === 'true') losses.refuse()
    return { request, warning: losses.warning }
  }
}
