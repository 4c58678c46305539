import type { IncomingMessage } from 'node:http'
import {
  type Dialect,
  anthropicDialect,
  bedrockDialect,
  elevenLabsDialect,
  googleDialect,
  openaiDialect,
} from './dialect.ts'

/** What an address says: whose protocol is spoken, which operation is meant, and, where the body does not say them, model and stream. */
export interface Address {
  readonly dialect: Dialect
  /** `/v1/…` where it is OpenAI's or Anthropic's; else the name of the operation, or `models`. */
  readonly operation: string
  readonly told: { readonly model: string; readonly stream?: boolean } | null
}

const gemini = /^\/v1beta\/models(?:\/([^/:]+):([A-Za-z]+))?$/
const converse = /^\/model\/([^/]+)\/(converse|converse-stream|invoke)$/
const elevenLabs = /^\/v1\/(?:(models)|text-to-speech\/[^/]+(?:\/stream)?)$/
const azure = /^\/openai(?:\/v1|\/deployments\/[^/]+)?(\/.+)$/

/** Reads the address of a request. Azure's is OpenAI's protocol at another place. */
export const readAddress = (request: IncomingMessage, path: string): Address => {
  const ofGemini = gemini.exec(path)
  if (ofGemini !== null) {
    const [, model, method] = ofGemini
    if (model === undefined || method === undefined) return { dialect: googleDialect, operation: 'models', told: null }
    const stream = method === 'streamGenerateContent' ? { stream: true } : {}
    const operation = method === 'streamGenerateContent' ? 'generateContent' : method
    return { dialect: googleDialect, operation, told: { model: decodeURIComponent(model), ...stream } }
  }
  const ofConverse = converse.exec(path)
  if (ofConverse !== null) {
    const [, model = '', method] = ofConverse
    const named = { model: decodeURIComponent(model) }
    if (method === 'invoke') return { dialect: bedrockDialect, operation: 'invoke', told: named }
    const stream = method === 'converse-stream' ? { stream: true } : {}
    return { dialect: bedrockDialect, operation: 'converse', told: { ...named, ...stream } }
  }
  if (path === '/foundation-models' || path === '/inference-profiles')
    return { dialect: bedrockDialect, operation: 'models', told: null }
  const ofElevenLabs = request.headers['xi-api-key'] === undefined ? null : elevenLabs.exec(path)
  if (ofElevenLabs !== null)
    return { dialect: elevenLabsDialect, operation: ofElevenLabs[1] ?? 'text-to-speech', told: null }
  const ofAzure = azure.exec(path)
  const dialect = request.headers['anthropic-version'] === undefined ? openaiDialect : anthropicDialect
  return { dialect, operation: ofAzure === null ? path : `/v1${ofAzure[1]}`, told: null }
}
