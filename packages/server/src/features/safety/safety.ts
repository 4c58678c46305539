import { header } from '@headgate/contract/headers.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import { addWarning } from '../../domain/warning.ts'
import type { CancelSignal } from '../../kernel/cancellation.ts'
import { AppError } from '../../kernel/errors.ts'
import { createBlockList, createTextsLook } from './block-list.ts'
import { createInspection, type Inspection } from './answers.ts'
import { createInjectionScore } from './injection.ts'
import { createModeration, type Judgement, NotJudged } from './moderation.ts'
import { createPictureCheck } from './picture-check.ts'
import { type Policy, policyOf, withoutWish } from './policy.ts'
import { type Prompt, readPrompt } from './prompt-texts.ts'
import { type Counts, createRedaction } from './redaction.ts'
import type { CheckName, Decision, SafetyPorts } from './safety.ports.ts'

/** Judges what is asked for, before it is admitted, and what is answered, before it is shown. */
export interface Safety {
  /**
   * Passes what need not be judged at once; else gives the request as it may go on, what must not leave taken out of it.
   * @throws AppError `content_refused`, `content_not_judged` where nobody can tell, or `invalid_parameter` for a wish that is none
   */
  readonly judge: (
    exchange: Exchange,
    request: InferenceRequest,
    targets: readonly Target[],
    signal: CancelSignal,
  ) => Promise<InferenceRequest> | undefined
  /** Looks at the answer of a call; null where no answer is looked at, nothing where this one need not be. @throws AppError `invalid_parameter` */
  readonly inspect: ((exchange: Exchange, request: InferenceRequest) => Inspection | undefined) | null
}

const pictureOperations: ReadonlySet<Operation> = new Set(['images', 'image_edits', 'image_variations'])
/** Whether pictures are asked for, also of a model that draws in a chat. */
const asksForPictures = ({ operation, body, members }: InferenceRequest): boolean => {
  if (operation !== 'chat') return pictureOperations.has(operation)
  const span = members.get('modalities')
  if (span === undefined) return false
  const asked: unknown = JSON.parse(body.toString('utf8', span.start, span.end))
  return Array.isArray(asked) && asked.some((one) => typeof one === 'string' && one.toLowerCase() === 'image')
}
/** Characters looked at between two looks at other calls. */
const mostAtOnce = 262_144

/** Who comes with what is open to everyone. */
const isStranger = ({ kind, tier, person }: Caller): boolean =>
  tier === 'anonymous' || (kind === 'publishable' && person === null)

/** Longer bodies get no score: seven walks over a long text would hold up other calls, and nothing turns on it. */
const mostScored = 131_072

/** How much of what words cannot judge was judged by looking: a form counts as one, and a file that is only named is never seen. */
const seenOf = ({ media, hasFiles }: InferenceRequest, judged: number): number => {
  if (hasFiles) return 0
  return (media?.contentType ?? null) === null ? judged : Math.min(judged, 1)
}

const otherCalls = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Builds the pipeline: block lists, injection score, redaction, moderation, in this order, so that the judge reads what would leave. `demo` refuses in doubt,
 * `main` lets pass with a warning. Pictures for strangers are judged as by `demo`, whatever the policy.
 */
export const createSafety = (ports: SafetyPorts): Safety => {
  const { rules, model, isHarmless } = ports
  const moderation = createModeration(ports)
  const pictures = createPictureCheck(ports)
  const blockedPrompts = createBlockList(rules.block, 'prompts')
  const redact = rules.redact.length === 0 ? null : createRedaction(rules.redact)
  const hasProjects = Object.keys(rules.projects).length > 0
  const ownPolicy = ({ projectId }: Caller): Policy =>
    hasProjects && Object.hasOwn(rules.projects, projectId)
      ? (rules.projects[projectId] as Policy)
      : (ports.policyOfProject(projectId) ?? rules.policy)

  const tell = (
    exchange: Exchange,
    check: CheckName,
    decision: Decision,
    category: string | null = null,
    score: number | null = null,
  ): void => ports.onVerdict(exchange, { check, decision, category, score, of: 'prompt' })

  const notJudged = (exchange: Exchange, check: CheckName, detail: string, cause?: unknown): AppError => {
    tell(exchange, check, 'not_judged')
    return new AppError('content_not_judged', { detail, cause })
  }

  const checkBlocked = async (exchange: Exchange, { texts, beside }: Prompt): Promise<void> => {
    if (blockedPrompts === null) return
    const look = createTextsLook(blockedPrompts)
    let length = 0
    for (const { text } of [...texts, ...beside]) {
      length += text.length
      if (length > mostAtOnce) {
        length = 0
        await otherCalls()
      }
      const name = look(text)
      if (name === null) continue
      tell(exchange, 'block_list', 'refused', name)
      throw new AppError('content_refused')
    }
    tell(exchange, 'block_list', 'passed')
  }

  const redacted = (exchange: Exchange, request: InferenceRequest, { replace }: Prompt): InferenceRequest => {
    if (redact === null) return request
    const counts: Counts = {}
    const next = replace((text) => redact(text, counts))
    const found = Object.entries(counts)
    const category = found.map(([kind, count]) => `${kind}=${count}`).join(', ')
    tell(exchange, 'redaction', found.length > 0 ? 'redacted' : 'passed', category || null)
    if (found.length === 0) return request
    exchange.headers[header.redacted] = category
    return next
  }

  let score: ReturnType<typeof createInjectionScore> | null = null
  const report = (exchange: Exchange, request: InferenceRequest, { texts }: Prompt): void => {
    if (rules.injection_percent === 0 || request.body.length > mostScored) return
    score ??= createInjectionScore()
    const found = score(request, texts)
    if (found.score > 0) exchange.headers[header.injectionScore] = found.score.toFixed(2)
    const isHigh = found.score * 100 >= rules.injection_percent
    tell(
      exchange,
      'injection',
      isHigh ? 'reported' : 'passed',
      `${found.score.toFixed(2)}: ${found.signs.join(', ')}`,
      found.score,
    )
  }

  /** @param isStrict In doubt it is refused. */
  const moderate = async (exchange: Exchange, text: string, isStrict: boolean, signal: CancelSignal): Promise<void> => {
    let judgement: Judgement
    try {
      judgement = await moderation(text, exchange, signal)
    } catch (fault) {
      if (!(fault instanceof NotJudged)) throw fault
      if (isStrict) throw notJudged(exchange, 'moderation', fault.message, fault)
      tell(exchange, 'moderation', 'not_judged')
      addWarning(exchange.headers, 'The prompt was not moderated: the model that judges does not answer')
      return
    }
    const { isFlagged, categories, score: surest } = judgement
    tell(exchange, 'moderation', isFlagged ? 'refused' : 'passed', categories.join(', ') || null, surest)
    if (isFlagged) throw new AppError('content_refused')
  }

  const check = async (
    exchange: Exchange,
    asked: InferenceRequest,
    policy: Policy,
    isForStranger: boolean,
    signal: CancelSignal,
  ): Promise<InferenceRequest> => {
    let request = withoutWish(asked)
    if (policy === 'off' && !isForStranger) return request
    const isStrict = policy === 'demo' || isForStranger
    const prompt = readPrompt(request)
    // What strangers send as pictures to be changed cannot be judged by its words, and neither can a picture that is shown.
    const isWords = request.operation === 'images' || (request.operation === 'chat' && prompt.unread === 0)
    if (isForStranger && !isWords)
      throw notJudged(exchange, 'moderation', 'Strangers may have pictures made, and none changed.')
    if (pictures !== null && request.stream && asksForPictures(request)) {
      const detail = 'Pictures that come as a stream are not judged: ask for a whole answer.'
      if (isStrict) throw notJudged(exchange, 'pictures', detail)
      addWarning(exchange.headers, detail)
    }
    const judged =
      pictures === null || policy === 'off' ? 0 : await pictures.ofPrompt(exchange, request, policy, signal)
    if (policy === 'demo' && prompt.unread > seenOf(request, judged))
      throw notJudged(exchange, 'moderation', 'Pictures, files and tokens in a prompt cannot be judged by words.')
    let texts: readonly { readonly text: string }[] = prompt.texts
    if (policy !== 'off') {
      await checkBlocked(exchange, prompt)
      report(exchange, request, prompt)
      request = redacted(exchange, request, prompt)
      if (request.body !== asked.body) texts = readPrompt(request).texts
    }
    if (isStrict || model !== null) {
      const text = [...new Set([...texts, ...prompt.beside].map((one) => one.text))].join('\n')
      if (text !== '' || isForStranger) await moderate(exchange, text, isStrict, signal)
    }
    return request
  }

  const inspectTexts = createInspection(ports, moderation)
  const inspect = (exchange: Exchange, request: InferenceRequest): Inspection | undefined => {
    const { operation } = request
    if (operation === 'moderations' || operation === 'embeddings') return undefined
    const own = ownPolicy(exchange.caller)
    const isWished = exchange.safe !== undefined || request.members.has('safe')
    const policy = isWished ? policyOf(own, exchange, request) : own
    const ofTexts = inspectTexts?.(exchange, policy)
    if (pictures === null || (operation !== 'chat' && !pictureOperations.has(operation))) return ofTexts
    const strictness = isStranger(exchange.caller) && asksForPictures(request) ? 'demo' : policy
    if (strictness === 'off') return ofTexts
    return {
      whole: async (answer) => {
        await ofTexts?.whole(answer)
        await pictures.ofAnswer(exchange, operation, answer.body, strictness)
      },
      stream: (source) => ofTexts?.stream(source) ?? source,
    }
  }

  return {
    inspect: inspectTexts === null && pictures === null ? null : inspect,
    judge: (exchange, request, targets, signal) => {
      // A judge is not judged.
      if (request.operation === 'moderations') return undefined
      const own = ownPolicy(exchange.caller)
      const isWished = exchange.safe !== undefined || request.members.has('safe')
      const isForStranger = isStranger(exchange.caller) && asksForPictures(request) && !targets.every(isHarmless)
      if (own === 'off' && !isWished && !isForStranger) return undefined
      const policy = isWished ? policyOf(own, exchange, request) : own
      return check(exchange, request, policy, isForStranger, signal)
    },
  }
}
