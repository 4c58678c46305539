import type { Asker } from '../../domain/route.ts'
import type { NamedRoute, RouteCondition, RouteTarget } from './routing.ports.ts'

/** What stands in a route, in the order of tries. */
export interface RouteOrder {
  readonly models: readonly string[]
  /** Why the first. */
  readonly reason: string
  /** Those whose conditions do not hold, with the one that does not. */
  readonly passedOver: readonly { readonly model: string; readonly reason: string }[]
}

/** The condition of a target that does not hold; null when all do. */
const unmet = (
  when: RouteCondition | undefined,
  asker: Asker,
  countryOf: (address: string) => string,
): string | null => {
  if (when === undefined) return null
  const { tiers, countries, tags } = when
  if (tiers && !tiers.includes(asker.caller.tier)) return `is for the tiers ${tiers.join(', ')}`
  if (countries && !countries.includes(asker.address === null ? 'unknown' : countryOf(asker.address)))
    return `is for the countries ${countries.join(', ')}`
  const missing = Object.entries(tags ?? {}).find(([name, value]) => asker.tags.get(name) !== value)
  return missing ? `is for calls with the tag ${missing[0]}=${missing[1]}` : null
}

const weightOf = ({ weight = 1 }: RouteTarget): number => weight

/** Draws all of them, each with the chance of its weight. */
const drawn = (targets: readonly RouteTarget[], random: () => number): RouteTarget[] => {
  const left = [...targets]
  const order: RouteTarget[] = []
  while (left.length > 0) {
    let at = random() * left.reduce((sum, target) => sum + weightOf(target), 0)
    let index = left.findIndex((target) => (at -= weightOf(target)) < 0)
    if (index === -1) index = left.length - 1
    order.push(...left.splice(index, 1))
  }
  return order
}

/** Puts the targets of a route in the order of tries: those whose conditions hold by lot, then its fallbacks. */
export const orderOf = (
  route: NamedRoute,
  asker: Asker,
  countryOf: (address: string) => string,
  random: () => number,
): RouteOrder => {
  const passedOver: { model: string; reason: string }[] = []
  const open = route.targets.filter((target) => {
    const reason = unmet(target.when, asker, countryOf)
    if (reason !== null) passedOver.push({ model: target.model, reason })
    return reason === null
  })
  const weighty = open.filter((target) => weightOf(target) > 0)
  const order = drawn(weighty, random)
  const models = [...new Set([...order.map(({ model }) => model), ...route.fallbacks])]
  const total = weighty.reduce((sum, target) => sum + weightOf(target), 0)
  const [first] = order
  const reason =
    first === undefined
      ? 'a fallback, since no condition holds'
      : weighty.length === 1
        ? 'the only one'
        : `weight ${weightOf(first)} of ${total}`
  return { models, reason, passedOver }
}
