import { tellsAmounts, withDisplay } from '@headgate/contract/currency.ts'
import { type Currency, displayed, rateAt } from '../domain/currency.ts'
import type { AdminInput, CallerInput, Reply, Route } from '../kernel/route.ts'

/** Operators and callers who ask what was spent are shown it; the answers of models stay those of their providers. */
const showsMoney = ({ access, path }: Route): boolean => access === 'admin' || path.startsWith('/v1/usage')

/** Makes the decorator of routes whose answers tell amounts: they are shown in the configured currency too. */
export const createShowCurrency = (currency: Currency | null, now: () => number) => {
  const show = (reply: Reply): Reply => {
    const rate = currency && rateAt(currency, now())
    return rate && reply.kind === 'json' ? { ...reply, value: displayed(reply.value, rate) } : reply
  }
  return (route: Route): Route => {
    const { reference } = route
    if (reference === null || !showsMoney(route) || !tellsAmounts(reference.answer)) return route
    const shown = { ...reference, answer: withDisplay(reference.answer) }
    switch (route.access) {
      case 'admin':
        return { ...route, reference: shown, handle: async (input: AdminInput) => show(await route.handle(input)) }
      case 'caller':
        return { ...route, reference: shown, handle: async (input: CallerInput) => show(await route.handle(input)) }
      case 'public':
        return route
    }
  }
}
