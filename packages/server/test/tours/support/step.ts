import { expect } from 'vitest'
import type { House } from '../../support/house.ts'
import { usageOf } from './targets.ts'

/** What is asked for text, and how many words it says. */
export const chatModel = 'up/gpt-4o-mini;parts=12'
/** Words of a text. */
export const words = (text: string | null | undefined): number => (text ?? '').trim().split(' ').length

/** What a call takes along: its name, by which the ledger is asked afterwards. */
export interface Named {
  readonly headers: { readonly 'x-request-id': string }
}
/** A call by some client; throws unless the client understood the whole answer. */
export type Step<Client> = readonly [
  operation: string,
  what: string,
  call: (client: Client, named: Named) => Promise<void>,
]

let calls = 0
/** Makes the call, then compares the one row of the ledger with the one of the truth log: tokens of texts, units of media. */
export const take = async <Client>(house: House, key: string, client: Client, [operation, , call]: Step<Client>) => {
  const name = `tour-${++calls}`
  await call(client, { headers: { 'x-request-id': name } })
  const row = await usageOf(house, key, name)
  const truth = house.upstream.truthOf(String(row['id']))
  expect(truth).toMatchObject([{ outcome: 'complete' }])
  expect(row).toMatchObject({ operation, outcome: 'complete', attempts: 1 })
  const { prompt_tokens, produced_tokens, images, characters, audio_ms } = truth[0] as NonNullable<(typeof truth)[0]>
  const isOfText = operation === 'chat' || operation === 'embeddings'
  expect(row).toMatchObject(
    isOfText
      ? { input_tokens: prompt_tokens, output_tokens: produced_tokens }
      : { images, characters, audio_seconds: audio_ms / 1_000 },
  )
}
