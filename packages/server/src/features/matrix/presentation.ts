import type { MatrixEntry, ModelFactsShown } from '@headgate/contract/models.ts'
import type { Target } from '../../domain/model.ts'
import type { ModelFacts, ModelSpeed, SourcedFacts } from '../../domain/model-facts.ts'
import { formatUsd, type NanoUsd } from '../../domain/money.ts'
import type { Price } from '../../domain/price.ts'

/** All that is known of one model. */
export interface Described {
  readonly target: Target
  readonly known: SourcedFacts
  readonly price: Price | null
  readonly speed: ModelSpeed | null
  /** From when on answers were measured. */
  readonly measuredFrom: number
}

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()
const usd = (amount: NanoUsd | null | undefined): string | null =>
  amount === null || amount === undefined ? null : formatUsd(amount)

const presentPrice = (price: Price): ModelFactsShown['price'] => {
  const { media, lacksTokens } = price
  const ofTokens = (amount: NanoUsd) => (lacksTokens ? null : formatUsd(amount))
  return {
    currency: 'USD',
    input_per_million: ofTokens(price.inputPerMillion),
    cached_input_per_million: ofTokens(price.cachedInputPerMillion),
    output_per_million: ofTokens(price.outputPerMillion),
    per_request: formatUsd(price.perRequest),
    per_image: usd(media?.image),
    per_audio_hour: usd(media?.audioHour),
    per_million_characters: usd(media?.charactersPerMillion),
    source: price.source,
    version: price.version,
  }
}

const presentSpeed = (speed: ModelSpeed, from: number): ModelFactsShown['measured'] => ({
  from: time(from),
  last_at: time(speed.lastAt),
  answers: speed.answers,
  first_token_ms: speed.firstToken && { ...speed.firstToken },
  output_tokens_per_second: speed.outputTokensPerSecond,
})

const listOrNull = <Item>(list: readonly Item[] | null): Item[] | null => list && [...list]

/** What Headgate adds to a model. */
export const presentFacts = ({ target, known, price, speed, measuredFrom }: Described): ModelFactsShown => ({
  provider: target.provider,
  model: target.model,
  operations: [...target.operations],
  modalities: { input: listOrNull(known.facts.input), output: listOrNull(known.facts.output) },
  context_tokens: target.contextTokens ?? known.facts.contextTokens,
  max_output_tokens: target.maxOutputTokens ?? known.facts.maxOutputTokens,
  tools: known.facts.tools,
  structured_output: known.facts.structuredOutput,
  licence: known.facts.licence,
  attribution: known.facts.attribution,
  price: price && presentPrice(price),
  measured: speed && presentSpeed(speed, measuredFrom),
})

/** The members of what is shown, by the facts behind them. */
export const memberOf: Readonly<Record<keyof ModelFacts, string>> = {
  input: 'modalities.input',
  output: 'modalities.output',
  contextTokens: 'context_tokens',
  maxOutputTokens: 'max_output_tokens',
  tools: 'tools',
  structuredOutput: 'structured_output',
  licence: 'licence',
  attribution: 'attribution',
}

/** One model as operators see it. A fact that came from elsewhere, such as the context that its provider lists, has no source here. */
export const presentRow = (described: Described): MatrixEntry => {
  const { target, known } = described
  const isRead = (fact: keyof ModelFacts): boolean =>
    fact !== 'contextTokens' || (target.contextTokens ?? known.facts.contextTokens) === known.facts.contextTokens
  return {
    id: target.name,
    object: 'model',
    headgate: presentFacts(described),
    licence_allowed: target.terms?.isRefused !== true,
    sources: known.sources.flatMap(({ facts, url, read }) => {
      const members = facts.filter(isRead).map((fact) => memberOf[fact])
      return members.length === 0 ? [] : [{ facts: members, url, read }]
    }),
  }
}
