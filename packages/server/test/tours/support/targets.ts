import { type House, startHouse } from '../../support/house.ts'

/** Prices of both providers' models: USD per million tokens. */
const price = { input: '1', cached_input: '0.1', cache_write: '1.5', output: '2' }

/** Where a tour goes: the same upstream by its two protocols. */
export const targets = [
  { protocol: 'OpenAI', model: 'up/gpt-4o-mini' },
  { protocol: 'Anthropic', model: 'claude/claude-opus-5-5' },
] as const

/** Parts of the prompt are read from a cache, others written to it. */
export const cachedScript = ';cached-tokens=3;cache-write-tokens=4'

/** A house with a provider of each protocol in front of one scripted upstream, and a key for it. */
export const startTour = async (): Promise<{ house: House; key: string; baseURL: string }> => {
  const { startUpstream } = await import('@headgate/qa/upstream/upstream.ts')
  const upstream = await startUpstream()
  const house = await startHouse({
    upstream,
    config: {
      providers: { claude: { kind: 'anthropic', base_url: upstream.url, api_key: 'anthropic-key' } },
      models: Object.fromEntries(
        targets.flatMap(({ model }) => [
          [model, { price }],
          [`${model}${cachedScript}`, { price }],
        ]),
      ),
    },
  })
  const stop = house.stop
  const { key } = await house.makeKey()
  return {
    house: { ...house, stop: () => stop().then(() => upstream.close()) },
    key,
    baseURL: `${house.url}/v1`,
  }
}

/** The usage row of a call, once it is written. */
export const usageOf = async (house: House, key: string, requestId: string): Promise<Record<string, unknown>> => {
  await house.settled()
  const answer = await house.request(`/v1/usage/${requestId}`, { key })
  if (answer.status !== 200) throw new Error(`no usage: ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}
