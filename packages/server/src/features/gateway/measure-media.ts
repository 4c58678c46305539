import {
  heardTokensPerSecond,
  imageOutputTokens,
  type MediaRequest,
  type MediaTold,
  spokenTokensPerSecond,
} from '../../domain/media.ts'
import { noUsage, type Usage } from '../../domain/usage.ts'

/** Speech at its usual speed: fifteen characters a second. */
const usualMsPerCharacter = 1_000 / 15
/** A file whose length nobody tells is taken for one of 64 kilobits a second, ten times the least. */
const usualShare = 1 / 10
const charactersPerToken = 4

/** How long the audio was, and whether that is an estimate. */
const audioOf = (asked: MediaRequest, told: MediaTold): { ms: number; isKnown: boolean } => {
  if (told.audioMs !== null) return { ms: told.audioMs, isKnown: true }
  if (asked.characters > 0) return { ms: Math.ceil(asked.characters * usualMsPerCharacter), isKnown: false }
  return { ms: Math.ceil(asked.audioMs ?? asked.audioMsBound * usualShare), isKnown: false }
}

const tokensOf = (asked: MediaRequest, told: MediaTold, images: number, audioMs: number) => {
  const seconds = audioMs / 1_000
  const perImage = imageOutputTokens(told.size ?? asked.size, told.quality ?? asked.quality)
  const isSpoken = asked.characters > 0
  const heard = isSpoken ? 0 : Math.ceil(seconds * heardTokensPerSecond)
  const isHeard = !isSpoken && asked.audioMsBound > 0
  return {
    input: isHeard ? heard : asked.inputTokensEstimate,
    output:
      images * perImage +
      (isSpoken ? Math.ceil(seconds * spokenTokensPerSecond) : Math.ceil(told.textLength / charactersPerToken)),
    mediaInput: isHeard ? heard : 0,
    mediaOutput: isSpoken ? Math.ceil(seconds * spokenTokensPerSecond) : images * perImage,
  }
}

/**
 * What a call for images or audio consumed: as the provider says, else as it was asked for, and then estimated. `needsTokens`: it
 * is paid by its tokens, so that they are estimated where they are not told. A call that broke off (`isWhole` false) owes what it
 * asked for: the provider made it.
 */
export const measureMedia = (
  asked: MediaRequest,
  told: MediaTold,
  needsTokens: boolean,
  isWhole: boolean,
): { usage: Usage; estimated: boolean } => {
  const images = isWhole ? told.images : asked.images
  const hasAudio = asked.audioMsBound > 0 || told.audioMs !== null
  const spoken = asked.characters > 0 && !isWhole ? { ...told, audioMs: null } : told
  const audio = hasAudio ? audioOf(asked, spoken) : { ms: 0, isKnown: true }
  const tokens = told.tokens ?? (needsTokens ? tokensOf(asked, told, images, audio.ms) : null)
  const usage: Usage = {
    ...noUsage,
    inputTokens: tokens?.input ?? 0,
    outputTokens: tokens?.output ?? 0,
    media: {
      images,
      audioMs: audio.ms,
      characters: asked.characters,
      size: told.size ?? asked.size,
      quality: told.quality ?? asked.quality,
      inputTokens: tokens?.mediaInput ?? 0,
      outputTokens: tokens?.mediaOutput ?? 0,
    },
  }
  return { usage, estimated: (needsTokens && told.tokens === null) || !audio.isKnown }
}
