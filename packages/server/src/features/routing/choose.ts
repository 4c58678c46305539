import type { ErrorDetail } from '@headgate/contract/errors/body.ts'
import type { Caller } from '../../domain/caller.ts'
import type { InferenceRequest } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { Asker, ExplainedChoice, Rejection } from '../../domain/route.ts'
import { AppError } from '../../kernel/errors.ts'
import { nearestName } from '../../kernel/nearest.ts'
import { chooseAuto, type Preference, preferenceOf } from './auto.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'
import { isOpen, leftOut, licenceNotAllowed, refusalOf } from './licence.ts'
import { orderOf } from './named-routes.ts'
import type { NamedRoute, RoutingConfig } from './routing.ports.ts'
import type { Standings } from './standings.ts'
import { taskOf } from './task.ts'

/** Nothing of what a caller sent stands in an answer at greater length. */
const NAMED_CHARACTERS = 100
const MOST_REASONS = 5

/** A list names a model in full (`openai/gpt-4o`), bare (`gpt-4o`), or by its beginning (`openai/*`). */
const lists = (models: readonly string[], target: Target): boolean =>
  models.some((entry) =>
    entry.endsWith('*') ? target.name.startsWith(entry.slice(0, -1)) : entry === target.name || entry === target.model,
  )

/** Whether the key and its tier may use this target. */
export const mayUse = (config: RoutingConfig, caller: Pick<Caller, 'models' | 'tier'>, target: Target): boolean => {
  if (caller.models !== null && !lists(caller.models, target)) return false
  const ofTier = config.tierModels[caller.tier]
  return ofTier === undefined || lists(ofTier, target)
}

const notFound = (model: string, message: string, names: readonly string[]): AppError => {
  const fix =
    names.length === 0 ? 'Pick one of GET /v1/models.' : `Write ${names.map((name) => `"${name}"`).join(' or ')}.`
  const details: ErrorDetail[] = [{ location: 'model', message, fix }]
  return new AppError('model_not_found', {
    detail: `The model "${model.slice(0, NAMED_CHARACTERS)}" ${message}. ${fix}`,
    details,
  })
}

/** Names near to a mistyped one, in full. */
const nearest = (catalog: Catalog, model: string, visible: (target: Target) => boolean): readonly string[] => {
  const targets = catalog.entries().flatMap(({ target }) => (visible(target) ? [target] : []))
  const full = nearestName(
    model,
    targets.map(({ name }) => name),
  )
  if (full !== undefined) return [full]
  const bare = nearestName(
    model.slice(model.indexOf('/') + 1),
    targets.map((target) => target.model),
  )
  return targets
    .filter((target) => target.model === bare)
    .slice(0, 3)
    .map(({ name }) => name)
}

/** Finds the targets of a model name: `provider/model` of a configured provider, else a bare name that only one has. */
const find = (catalog: Catalog, model: string): Target[] => {
  const slash = model.indexOf('/')
  if (slash > 0 && slash < model.length - 1) {
    const provider = model.slice(0, slash)
    if (catalog.hasProvider(provider)) {
      const target = catalog.explicit(provider, model.slice(slash + 1))
      if (target !== undefined) return [target]
    }
  }
  return [...catalog.byModel(model)]
}

/**
 * The one target that a model name means to this caller.
 * @throws AppError `model_not_found`, `model_not_allowed` or `licence_not_allowed`.
 */
export const resolveTarget = (
  catalog: Catalog,
  config: RoutingConfig,
  caller: Pick<Caller, 'models' | 'tier'>,
  model: string,
): Target => {
  const visible = (target: Target): boolean => mayUse(config, caller, target) && isOpen(target)
  const found = find(catalog, model)
  if (found.length === 0) throw notFound(model, 'is not known here', nearest(catalog, model, visible))
  const allowed = found.filter((target) => mayUse(config, caller, target))
  const usable = allowed.filter(isOpen)
  if (usable.length > 1)
    throw notFound(
      model,
      'is offered by several providers',
      usable.map(({ name }) => name),
    )
  const target = usable[0]
  if (target === undefined) throw allowed[0] === undefined ? notAllowed() : licenceNotAllowed(allowed[0])
  return target
}

/** What the choice is made with. */
export interface ChoiceGround {
  readonly catalog: Catalog
  readonly config: RoutingConfig
  readonly standings: Standings
  readonly isResting: (target: string) => boolean
  /** Nano-USD that a request would cost at a target, with so many tokens of output; null where no price is known. */
  readonly costOf: (target: Target, request: InferenceRequest, outputTokens: number) => NanoUsd | null
  readonly countryOf: (address: string) => string
  /** From 0 to 1. */
  readonly random: () => number
}

const notOffered = (name: string, { operation }: Pick<InferenceRequest, 'operation'>, why: string): AppError =>
  new AppError('operation_not_supported', {
    detail: `The model "${name}" does not offer ${operation}.`,
    details: [{ location: 'model', message: why }],
  })

const notAllowed = (): AppError =>
  new AppError('model_not_allowed', {
    details: [{ location: 'model', message: 'is not among the models of this key' }],
  })

const nothing: readonly Rejection[] = []

/** The target that a route names in full; undefined while its provider is not there. */
const targetIn = (catalog: Catalog, model: string): Target | undefined => {
  const slash = model.indexOf('/')
  const provider = model.slice(0, slash)
  return catalog.hasProvider(provider) ? catalog.explicit(provider, model.slice(slash + 1)) : undefined
}

/** Whether the lists of the key and of its tier hold a name of the house itself. */
const mayCallName = (config: RoutingConfig, caller: Pick<Caller, 'models' | 'tier'>, name: string): boolean => {
  const ofTier = config.tierModels[caller.tier]
  return caller.models?.includes(name) === true && (ofTier === undefined || ofTier.includes(name))
}

/** By a name of the house: whoever may call the name may call what it means. */
const byRoute = (
  { catalog, config, countryOf, random }: ChoiceGround,
  asker: Asker,
  request: Pick<InferenceRequest, 'model' | 'operation'>,
  route: NamedRoute,
): ExplainedChoice => {
  const { caller } = asker
  const mayName = mayCallName(config, caller, request.model)
  const { models, reason, passedOver } = orderOf(route, asker, countryOf, random)
  const rejected: Rejection[] = [...passedOver]
  const targets: Target[] = []
  let isRefused = false
  let closed: Target | undefined
  for (const model of models) {
    const target = targetIn(catalog, model)
    if (target === undefined) rejected.push({ model, reason: 'its provider is not there' })
    else if (!(mayName || mayUse(config, caller, target))) {
      isRefused = true
      rejected.push({ model, reason: 'is not among the models of this key' })
    } else if (!isOpen(target)) {
      closed ??= target
      rejected.push(refusalOf(target))
    } else if (target.operations.includes(request.operation)) targets.push(target)
    else rejected.push({ model, reason: `does not offer ${request.operation}` })
  }
  if (targets.length === 0) {
    if (isRefused) throw notAllowed()
    if (closed !== undefined) throw licenceNotAllowed(closed)
    throw notOffered(request.model, request, rejected.map((one) => `${one.model} ${one.reason}`).join('; '))
  }
  return { targets, reason: `${request.model}: ${reason}${leftOut(rejected)}`, rejected }
}

const least = (values: readonly (number | null)[]): number | null =>
  values.some((value) => value === null) ? null : Math.min(...(values as number[]))

/** The names of the house as entries of the list of models: what all of their models can. */
export const namesOf = (
  { catalog, config }: Pick<ChoiceGround, 'catalog' | 'config'>,
  caller: Pick<Caller, 'models' | 'tier'>,
): CatalogEntry[] =>
  Object.entries(config.routes).flatMap(([name, route]) => {
    const models = [...(route?.targets.map(({ model }) => model) ?? []), ...(route?.fallbacks ?? [])]
    const targets = models.flatMap((model) => {
      const target = targetIn(catalog, model)
      return target && isOpen(target) && (mayCallName(config, caller, name) || mayUse(config, caller, target))
        ? [target]
        : []
    })
    if (targets.length === 0) return []
    const target: Target = {
      name,
      provider: 'headgate',
      model: name,
      operations: [...new Set(targets.flatMap(({ operations }) => operations))],
      maxOutputTokens: least(targets.map(({ maxOutputTokens }) => maxOutputTokens)),
      contextTokens: least(targets.map(({ contextTokens }) => contextTokens)),
    }
    return [{ target, created: null }]
  })

/** By what the request needs. */
const byTask = (
  ground: ChoiceGround,
  { caller }: Asker,
  request: InferenceRequest,
  preference: Preference,
): ExplainedChoice => {
  const { catalog, config } = ground
  const { autoModels } = config
  const offered = catalog.entries().flatMap(({ target }) => {
    if (autoModels !== undefined && !lists(autoModels, target)) return []
    return mayUse(config, caller, target) ? [target] : []
  })
  if (offered.length === 0) throw notAllowed()
  const open = offered.filter(isOpen)
  if (open.length === 0) throw licenceNotAllowed(offered[0] as Target)
  const closed = offered.filter((target) => !isOpen(target)).map(refusalOf)
  const task = taskOf(request)
  const choice = chooseAuto(
    {
      ...ground,
      setting: (name) => config.models[name],
      factsOf: catalog.factsOf,
      costOf: (target) => ground.costOf(target, request, task.outputTokens),
    },
    preference,
    task,
    open,
  )
  if (choice.targets.length > 0)
    return closed.length === 0
      ? choice
      : { ...choice, reason: `${choice.reason}${leftOut(closed)}`, rejected: [...closed, ...choice.rejected] }
  const reasons = [...new Set(choice.rejected.map(({ reason }) => reason))].slice(0, MOST_REASONS)
  throw notOffered(request.model, request, `no model that this key may call can do it: ${reasons.join('; ')}`)
}

/**
 * The targets to try, in order, and why: by the name of a route, by `auto`, or the one model that is named.
 * @throws AppError `model_not_found`, `model_not_allowed`, `licence_not_allowed` or `operation_not_supported`.
 */
export const chooseTargets = (ground: ChoiceGround, asker: Asker, request: InferenceRequest): ExplainedChoice => {
  const { catalog, config } = ground
  const route = Object.hasOwn(config.routes, request.model) ? config.routes[request.model] : undefined
  if (route !== undefined) return byRoute(ground, asker, request, route)
  const preference = preferenceOf(request.model)
  if (preference !== null) return byTask(ground, asker, request, preference)
  const target = resolveTarget(catalog, config, asker.caller, request.model)
  if (!target.operations.includes(request.operation))
    throw notOffered(target.name, request, `offers ${target.operations.join(' and ')}`)
  return { targets: [target], reason: null, rejected: nothing }
}
