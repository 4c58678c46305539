import { defaultOutputCap, type InferenceRequest } from '../../domain/inference.ts'
import { estimateInput } from '../../domain/input-estimate.ts'
import type { Target } from '../../domain/model.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Price } from '../../domain/price.ts'
import { AppError } from '../../kernel/errors.ts'
import type { MoneyPorts, OutputCapMember } from './admission.ports.ts'

/** The estimate takes a token per four bytes; an input that must fit is taken for a token per three. */
const FITTING = 4 / 3

/** What is asked of one request's money. */
export interface Quote {
  /** The dearest target of the order. */
  readonly target: Target
  /** Its price; null when any target of the order has none. */
  readonly price: Price | null
  readonly worstCase: NanoUsd | null
  /** Most tokens one answer may have; 0 where there are none. */
  readonly outputCap: number
  /** When it was quoted: milliseconds since the epoch. */
  readonly at: number
  readonly request: InferenceRequest
  /** As estimated by `estimateInputTokens`. */
  readonly inputTokens: number
  /** Told to the caller when an answer may come out shorter than asked for. */
  readonly warning: string | null
}

/** Input tokens of a request, roughly: what a killed call is charged before its provider has counted. */
export const estimateInputTokens = (request: InferenceRequest): number =>
  request.media?.inputTokensEstimate ?? Math.max(1, estimateInput(request))

const leastOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** What the input leaves of the smallest context, since providers refuse a cap beyond it; no cap by itself. */
const contextRoom = (targets: readonly Target[], inputTokens: number): number => {
  const input = Math.round(inputTokens * FITTING)
  const rooms = targets.map(({ contextTokens }) => (contextTokens === null ? 0 : contextTokens - input))
  return leastOf(rooms.filter((room) => room > 0)) ?? Number.POSITIVE_INFINITY
}

/**
 * The request as this target may count it. A file's tokens hang on what is packed in it: text that deflates a thousandfold,
 * and pages seen as pictures too (platform.openai.com/docs/guides/pdf-files,
 * docs.anthropic.com/en/docs/build-with-claude/pdf-support), so only the model's context bounds them: providers refuse more.
 * null where the context is not known either.
 */
const boundedFor = (request: InferenceRequest, { contextTokens }: Target): InferenceRequest | null => {
  if (!request.hasFiles) return request
  if (contextTokens === null) return null
  return { ...request, inputTokensBound: Math.max(request.inputTokensBound, contextTokens) }
}

interface Cap {
  readonly tokens: number
  /** It is not what the request says, so the provider must be told. */
  readonly imposed: boolean
  readonly warning: string | null
}

const capOf = (
  request: InferenceRequest,
  targets: readonly Target[],
  tierCap: number | null,
  budgeted: boolean,
  inputTokens: number,
  isRequired: boolean,
): Cap => {
  if (request.media !== undefined) {
    const ofModels = leastOf(targets.map(({ maxOutputTokens }) => maxOutputTokens))
    return { tokens: ofModels ?? request.media.outputTokensBound, imposed: false, warning: null }
  }
  if (request.operation !== 'chat') return { tokens: 0, imposed: false, warning: null }
  const asked = request.maxOutputTokens
  if (asked !== null) {
    if (tierCap === null || asked <= tierCap) return { tokens: asked, imposed: false, warning: null }
    return { tokens: tierCap, imposed: true, warning: `output capped at ${tierCap} tokens by the tier, ${asked} asked` }
  }
  const ofModels = leastOf(targets.map(({ maxOutputTokens }) => maxOutputTokens))
  const cap = leastOf([ofModels, tierCap]) ?? defaultOutputCap
  const room = contextRoom(targets, inputTokens)
  const tokens = Math.min(cap, room)
  if (!budgeted && !isRequired && tierCap === null) return { tokens, imposed: false, warning: null }
  if (tokens === ofModels || tokens === room) return { tokens, imposed: true, warning: null }
  const reason =
    tokens === tierCap ? 'by the tier' : budgeted ? 'because a budget applies' : 'because the provider requires a cap'
  return { tokens, imposed: true, warning: `output capped at ${tokens} tokens ${reason}, no cap asked` }
}

const capNames: readonly OutputCapMember[] = ['max_completion_tokens', 'max_tokens']

const isNull = ({ body, members }: InferenceRequest, name: string): boolean => {
  const span = members.get(name)
  return span !== undefined && body.toString('latin1', span.start, span.end) === 'null'
}

/** Sets the members that say a number; where none does, the one that stands as null, else the one the target takes. */
const impose = (ports: MoneyPorts, request: InferenceRequest, target: Target, cap: number): InferenceRequest => {
  const standing = capNames.filter((name) => request.members.has(name))
  const telling = standing.filter((name) => !isNull(request, name))
  if (telling.length > 0) return telling.reduce((capped, name) => ports.withOutputCap(capped, name, cap), request)
  return ports.withOutputCap(request, standing[0] ?? ports.outputCapMember(target), cap)
}

/** What a request can cost at most, and the cap of its output that this takes. */
export interface Bound extends Omit<Quote, 'request'> {
  /** The provider must be told the cap. */
  readonly imposed: boolean
}

/**
 * Works out the most that a request can cost over its order of targets: worst case = input bound + output cap × choices at the
 * dearest target.
 * @throws AppError `price_unknown` when a budget applies and any target has no price; `input_unbounded` when one applies, a
 * file is sent and the context of any target is not known.
 */
export const boundCost = (
  ports: Pick<MoneyPorts, 'priceOf' | 'worstCase' | 'requiresOutputCap'>,
  asked: InferenceRequest,
  targets: readonly Target[],
  at: number,
  tierCap: number | null,
  budgeted: boolean,
  inputTokens: number,
): Bound => {
  const isRequired = targets.some(ports.requiresOutputCap)
  const cap = capOf(asked, targets, tierCap, budgeted, inputTokens, isRequired)
  const [first] = targets
  if (first === undefined) throw new AppError('model_not_found')
  let dearest = first
  let price: Price | null = null
  let worstCase: NanoUsd | null = null
  for (const target of targets) {
    const found = ports.priceOf(target, at, asked.operation)
    if (found === null) {
      if (budgeted) throw priceUnknown(target)
      dearest = first
      price = null
      worstCase = null
      break
    }
    const bounded = boundedFor(asked, target)
    if (bounded === null && budgeted) throw inputUnbounded(target)
    const cost = ports.worstCase(found, bounded ?? asked, cap.tokens)
    if (worstCase !== null && cost <= worstCase) continue
    dearest = target
    price = found
    worstCase = cost
  }
  const { tokens: outputCap, imposed, warning } = cap
  return { target: dearest, price, worstCase, outputCap, imposed, at, inputTokens, warning }
}

/** The same, and the request with its output capped where a tier or a budget must hold. @throws AppError as `boundCost`. */
export const quote = (
  ports: MoneyPorts,
  asked: InferenceRequest,
  targets: readonly Target[],
  at: number,
  tierCap: number | null,
  budgeted: boolean,
): Quote => {
  const bound = boundCost(ports, asked, targets, at, tierCap, budgeted, estimateInputTokens(asked))
  const request = bound.imposed ? impose(ports, asked, bound.target, bound.outputCap) : asked
  return { ...bound, request }
}

/** The fault of a model whose cost nobody can bound, where it must be bounded. */
export const priceUnknown = ({ name }: Target): AppError =>
  new AppError('price_unknown', {
    detail: `No price is known for ${name}, and a budget applies.`,
    details: [
      {
        location: 'model',
        message: `${name} has no known price`,
        fix: `Set models."${name}".price in headgate.yaml, or use a model with a known price.`,
      },
    ],
    params: { model: name },
  })

/** The fault of a file whose tokens nobody can bound, where their cost must be bounded. */
const inputUnbounded = ({ name }: Target): AppError =>
  new AppError('input_unbounded', {
    details: [
      {
        location: 'messages',
        message: `a file may cost up to the context of ${name}, which is not known`,
        fix: `Set models."${name}".context_tokens in headgate.yaml, or send the text of the file.`,
      },
    ],
    params: { model: name },
  })
