import { notCarriedOver, printablePlace } from '../../../domain/warning.ts'
import { ProviderFault } from '../provider.ts'

/** Most places that are named; a hostile request has thousands. */
const MOST_NAMED = 20

/** What a translation could not carry over, by place. */
export interface Losses {
  /** `why` tells what to do instead. */
  note(place: string, why: string): void
  /** As a header may say it: the places, in ASCII. null when nothing was lost. */
  readonly warning: string | null
  /** @throws ProviderFault `unsupported_parameter` when anything was lost. */
  refuse(): void
}

/** Something in a request that cannot be put in the provider's words. Nothing was sent; another target may take it. */
export const unsupported = (places: readonly { readonly place: string; readonly why: string }[]): ProviderFault => {
  const named = places.slice(0, MOST_NAMED).map(({ place, why }) => ({ place: printablePlace(place), why }))
  return new ProviderFault('unsupported_parameter', {
    upstreamStatus: 0,
    retry: 'elsewhere',
    detail: `This model’s provider cannot be given ${named.map(({ place }) => place).join(', ')}.`,
    details: named.map(({ place, why }) => ({
      location: place,
      message: 'is not supported by the provider',
      fix: why,
    })),
  })
}

/** Something in a request that is not what OpenAI's protocol says. */
export const invalid = (location: string, message: string, fix: string): ProviderFault =>
  new ProviderFault('invalid_parameter', {
    upstreamStatus: 0,
    retry: 'elsewhere',
    detail: `${location} ${message}`,
    details: [{ location, message, fix }],
  })

/** Collects losses. */
export const createLosses = (): Losses => {
  const noted: { place: string; why: string }[] = []
  return {
    note: (place, why) => noted.push({ place, why }),
    get warning() {
      return notCarriedOver(noted.map(({ place }) => place))
    },
    refuse: () => {
      if (noted.length > 0) throw unsupported(noted)
    },
  }
}
