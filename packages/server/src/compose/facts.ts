import type { Config } from '../config/schema.ts'
import type { SourcedFacts } from '../domain/model-facts.ts'
import { knownFacts, overlaid } from '../features/matrix/facts.ts'

/** What is known of a model, by `provider/model`: what the house knows by itself, and what the configuration says over it. */
export const factsOf = (models: Config['models'], kind: string | undefined, name: string): SourcedFacts => {
  const known = knownFacts(kind, name.slice(name.indexOf('/') + 1))
  const model = models[name]
  if (model === undefined) return known
  const { modalities, outputs, context_tokens, max_output_tokens, tools, structured_output, licence, attribution } =
    model
  return overlaid(known, {
    ...(modalities !== undefined && { input: modalities }),
    ...(outputs !== undefined && { output: outputs }),
    ...(context_tokens !== undefined && { contextTokens: context_tokens }),
    ...(max_output_tokens !== undefined && { maxOutputTokens: max_output_tokens }),
    ...(tools !== undefined && { tools }),
    ...(structured_output !== undefined && { structuredOutput: structured_output }),
    ...(licence !== undefined && { licence }),
    ...(attribution !== undefined && { attribution }),
  })
}
