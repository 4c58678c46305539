/** What a call made or took that is not counted in tokens. */
export interface MediaAmounts {
  readonly images: number
  /** Milliseconds of audio, heard or spoken. */
  readonly audioMs: number
  /** Characters that were spoken. */
  readonly characters: number
}

/** Of a call in tokens alone. */
export const noAmounts: MediaAmounts = Object.freeze({ images: 0, audioMs: 0, characters: 0 })

/** What a call for images or audio consumed beyond its tokens. */
export interface MediaUsage extends MediaAmounts {
  /** As the provider says it, else as it was asked for; null where neither says. */
  readonly size: string | null
  readonly quality: string | null
  /** Tokens of pictures or audio, parts of the input and the output, which some charge at rates of their own. */
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What a provider says of the images or the audio of its answer. */
export interface MediaTold {
  /** Images in the answer. */
  readonly images: number
  readonly size: string | null
  readonly quality: string | null
  /** null when it does not say, and the answer does not show it. */
  readonly audioMs: number | null
  /** Its tokens; null when it does not count them. */
  readonly tokens: {
    readonly input: number
    readonly output: number
    readonly mediaInput: number
    readonly mediaOutput: number
  } | null
  /** Characters of a text that was heard. */
  readonly textLength: number
}

/** What a request for images or audio asks for: the facts by which it is bounded, priced and sent. */
export interface MediaRequest {
  /** Images asked for; 0 where none are. */
  readonly images: number
  readonly size: string | null
  readonly quality: string | null
  /** Characters to be spoken. */
  readonly characters: number
  /** Longest that the audio can be, heard or spoken, in milliseconds. */
  readonly audioMsBound: number
  /** How long a recording is, where its file tells; null where it does not. */
  readonly audioMs: number | null
  /** Most output tokens of each image, or of the answer, where the model's own limit is not known. */
  readonly outputTokensBound: number
  /** Input tokens, roughly. */
  readonly inputTokensEstimate: number
  /** `response_format`; null where the caller named none. */
  readonly format: string | null
  /** Of a body that is a form, with its boundary; null for JSON. */
  readonly contentType: string | null
}

/** OpenAI hears ten tokens in a second of audio, and speaks twenty (platform.openai.com/docs/guides/realtime-costs). */
export const heardTokensPerSecond = 10
export const spokenTokensPerSecond = 20

/** Most tokens of one picture sent to be edited: 65 + 129 for each of 15 tiles, and 6,144 at high input fidelity. */
export const mostInputImageTokens = 8_192

/** Tokens of one image by quality, for the sizes 1024x1024, 1024x1536 and 1536x1024 (platform.openai.com/docs/guides/image-generation). */
const tokensOfImage: Readonly<Record<string, readonly [square: number, tall: number, wide: number]>> = {
  low: [272, 408, 400],
  medium: [1_056, 1_584, 1_568],
  high: [4_160, 6_240, 6_208],
}
/** What each partial image of a stream costs on top, of which there are three at most. */
const partialImageTokens = 3 * 100

/** Output tokens of one image of a model that counts them; the dearest where size or quality are not said. */
export const imageOutputTokens = (size: string | null, quality: string | null): number => {
  const [square, tall, wide] = tokensOfImage[quality ?? 'high'] ?? [4_160, 6_240, 6_208]
  const known = size === '1024x1024' ? square : size === '1536x1024' ? wide : tall
  return known + partialImageTokens
}
