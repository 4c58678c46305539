import type { InferenceRequest, Operation } from '../../domain/inference.ts'
import type { MediaAmounts, MediaUsage } from '../../domain/media.ts'
import type { NanoUsd } from '../../domain/money.ts'
import type { MediaPrice, Price } from '../../domain/price.ts'

const million = 1_000_000n
const hourMs = 3_600_000n

const divideUp = (amount: bigint, by: bigint): NanoUsd => (amount + by - 1n) / by

/** What an operation is paid by, other than by its tokens. */
const isPaidByUnits = (
  { images, image, audioHour, charactersPerMillion }: MediaPrice,
  operation: Operation,
): boolean => {
  switch (operation) {
    case 'images':
    case 'image_edits':
    case 'image_variations':
      return image !== null || images.size > 0
    case 'speech':
      return charactersPerMillion !== null || audioHour !== null
    case 'transcriptions':
    case 'translations':
      return audioHour !== null
    default:
      return false
  }
}

/** Whether a price says what a call of this operation costs; what it does not say is never taken for nothing. */
export const coversOperation = (price: Price, operation: Operation): boolean => {
  if (price.lacksTokens !== true) return true
  if (price.media !== undefined && isPaidByUnits(price.media, operation)) return true
  // A price per call and nothing else is meant for every call.
  return price.media === undefined
}

/** Whether the tokens of a call must be known to price it. */
export const needsTokens = (price: Price, operation: Operation): boolean =>
  price.lacksTokens !== true && (price.media === undefined || !isPaidByUnits(price.media, operation))

const dearestImage = ({ images, image }: MediaPrice): NanoUsd =>
  [...images.values(), image ?? 0n].reduce((most, one) => (one > most ? one : most), 0n)

/** The price of one image: that of its kind, else that of any; the dearest where neither is known. */
const imagePrice = (price: MediaPrice, size: string | null, quality: string | null): NanoUsd =>
  price.images.get(`${quality}/${size}`) ??
  price.images.get(`${size}`) ??
  price.images.get(`${quality}`) ??
  price.image ??
  dearestImage(price)

const unitsCost = (price: MediaPrice, amounts: MediaAmounts, perImage: NanoUsd): NanoUsd =>
  BigInt(amounts.images) * perImage +
  divideUp(BigInt(Math.ceil(amounts.audioMs)) * (price.audioHour ?? 0n), hourMs) +
  divideUp(BigInt(amounts.characters) * (price.charactersPerMillion ?? 0n), million)

/**
 * What images, audio and spoken characters cost, in nano-USD, and what tokens of pictures or audio cost beyond the rates of other
 * tokens, in nano-USD per million.
 */
export const mediaCost = (
  price: Price,
  usage: MediaUsage,
  inputTokens: number,
  outputTokens: number,
): { units: NanoUsd; tokens: bigint } => {
  const { media } = price
  if (media === undefined) return { units: 0n, tokens: 0n }
  const input = BigInt(Math.min(usage.inputTokens, inputTokens))
  const output = BigInt(Math.min(usage.outputTokens, outputTokens))
  return {
    units: unitsCost(media, usage, imagePrice(media, usage.size, usage.quality)),
    tokens:
      input * ((media.inputPerMillion ?? price.inputPerMillion) - price.inputPerMillion) +
      output * ((media.outputPerMillion ?? price.outputPerMillion) - price.outputPerMillion),
  }
}

const larger = (one: NanoUsd, other: NanoUsd): NanoUsd => (one > other ? one : other)

/** A choice that is left to the provider may be the dearest. */
const isOpen = (choice: string | null): boolean => choice === 'auto'

/** Most that a call for images or audio can cost; `outputTokens` is for each image, or for the answer. */
export const mediaWorstCase = (price: Price, request: InferenceRequest, outputTokens: number): NanoUsd => {
  const asked = request.media
  if (asked === undefined) return price.perRequest
  const { media } = price
  const input = larger(price.inputPerMillion, media?.inputPerMillion ?? 0n)
  const output = larger(price.outputPerMillion, media?.outputPerMillion ?? 0n)
  const answers = BigInt(Math.max(1, asked.images))
  const tokens =
    BigInt(Math.ceil(request.inputTokensBound)) * input + BigInt(Math.ceil(outputTokens)) * answers * output
  const { images, audioMsBound, characters, size, quality } = asked
  const perImage =
    media === undefined ? 0n : isOpen(size) || isOpen(quality) ? dearestImage(media) : imagePrice(media, size, quality)
  const units = media === undefined ? 0n : unitsCost(media, { images, audioMs: audioMsBound, characters }, perImage)
  return divideUp(tokens, million) + units + price.perRequest
}
