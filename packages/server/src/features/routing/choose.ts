import type { ErrorDetail } from '@headgate/contract/errors/body.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Operation } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import { AppError } from '../../kernel/errors.ts'
import { nearestName } from '../../kernel/nearest.ts'
import type { Catalog } from './catalog.ts'
import type { RoutingConfig } from './routing.ports.ts'

/** Nothing of what a caller sent stands in an answer at greater length. */
const NAMED_CHARACTERS = 100

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
 * @throws AppError `model_not_found` or `model_not_allowed`.
 */
export const resolveTarget = (
  catalog: Catalog,
  config: RoutingConfig,
  caller: Pick<Caller, 'models' | 'tier'>,
  model: string,
): Target => {
  const visible = (target: Target): boolean => mayUse(config, caller, target)
  const found = find(catalog, model)
  if (found.length === 0) throw notFound(model, 'is not known here', nearest(catalog, model, visible))
  const usable = found.filter(visible)
  if (usable.length > 1)
    throw notFound(
      model,
      'is offered by several providers',
      usable.map(({ name }) => name),
    )
  const target = usable[0]
  if (target === undefined) {
    throw new AppError('model_not_allowed', {
      details: [{ location: 'model', message: 'is not among the models of this key' }],
    })
  }
  return target
}

/**
 * The targets to try, in order.
 * @throws AppError `model_not_found`, `model_not_allowed` or `operation_not_supported`.
 */
export const chooseTargets = (
  catalog: Catalog,
  config: RoutingConfig,
  caller: Pick<Caller, 'models' | 'tier'>,
  request: { readonly model: string; readonly operation: Operation },
): readonly Target[] => {
  const target = resolveTarget(catalog, config, caller, request.model)
  if (!target.operations.includes(request.operation)) {
    throw new AppError('operation_not_supported', {
      detail: `The model "${target.name}" does not offer ${request.operation}.`,
      details: [{ location: 'model', message: `offers ${target.operations.join(' and ')}` }],
    })
  }
  return [target]
}
