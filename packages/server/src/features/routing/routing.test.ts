import { describe, expect, it } from 'vitest'
import type { Caller } from '../../domain/caller.ts'
import { unread } from '../../domain/inference.ts'
import { noFacts } from '../../domain/model-facts.ts'
import { noTags } from '../../domain/route.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { AppError } from '../../kernel/errors.ts'
import { silentLog } from '../../kernel/log.ts'
import { createRouting } from './routing.ts'
import type { ListedModel, RoutingConfig } from './routing.ports.ts'

const listed = (...ids: string[]): ListedModel[] =>
  ids.map((id) => ({ id, operations: null, contextTokens: null, created: 1_700_000_000 }))

const lists: Record<string, () => Promise<ListedModel[]>> = {
  openai: async () => listed('gpt-4o-mini', 'text-embedding-3-small', 'shared-model'),
  router: async () => listed('meta/llama-3', 'shared-model'),
  broken: () => Promise.reject(new Error('away')),
  demo: async () => [{ id: 'demo', operations: ['chat', 'embeddings'], contextTokens: null, created: null }],
}

const routingOf = (config: Partial<RoutingConfig> = {}, models = lists) =>
  createRouting({
    providers: {
      names: () => Object.keys(models),
      kindOf: (name) => (!(name in models) ? undefined : name === 'demo' ? 'demo' : 'openai'),
      listModels: (name) => (models[name] as () => Promise<ListedModel[]>)(),
    },
    config: () => ({ offered: {}, models: {}, tierModels: {}, routes: {}, ...config }),
    factsOf: () => noFacts,
    isResting: () => false,
    costOf: () => null,
    countryOf: () => 'unknown',
    random: () => 0,
    clock: systemClock,
    log: silentLog,
  })

const started = async (config: Partial<RoutingConfig> = {}) => {
  const routing = routingOf(config)
  await routing.start?.()
  await new Promise((resolve) => setTimeout(resolve, 10))
  return routing
}

const anyone = { models: null, tier: 'pro' }
const askerOf = (caller: { models: readonly string[] | null; tier: string }) => ({
  caller,
  address: null,
  tags: noTags,
})
const names = async (
  routing: ReturnType<typeof routingOf>,
  model: string,
  caller: { models: readonly string[] | null; tier: string } = anyone,
) => (await routing.choose(askerOf(caller), { ...unread, model, operation: 'chat' })).targets.map(({ name }) => name)

const refusal = async (
  routing: ReturnType<typeof routingOf>,
  model: string,
  caller: { models: readonly string[] | null; tier: string } = anyone,
  operation: 'chat' | 'embeddings' = 'chat',
): Promise<AppError> => {
  try {
    await routing.choose(askerOf(caller), { ...unread, model, operation })
  } catch (error) {
    return error as AppError
  }
  throw new Error('expected a refusal')
}

describe('choosing a target', () => {
  it('takes provider/model of a configured provider, listed or not', async () => {
    const routing = await started()
    expect(await names(routing, 'openai/gpt-4o-mini')).toEqual(['openai/gpt-4o-mini'])
    expect(await names(routing, 'openai/brand-new')).toEqual(['openai/brand-new'])
    expect(await names(routing, 'broken/anything')).toEqual(['broken/anything'])
    expect(await names(routing, 'router/meta/llama-3')).toEqual(['router/meta/llama-3'])
  })

  it('takes a bare name that one provider has, slashes included', async () => {
    const routing = await started()
    expect(await names(routing, 'gpt-4o-mini')).toEqual(['openai/gpt-4o-mini'])
    expect(await names(routing, 'meta/llama-3')).toEqual(['router/meta/llama-3'])
    expect(await names(routing, 'demo')).toEqual(['demo/demo'])
  })

  it('refuses an ambiguous name and says how to write it', async () => {
    const error = await refusal(await started(), 'shared-model')
    expect(error.code).toBe('model_not_found')
    expect(error.options.details?.[0]?.fix).toBe('Write "openai/shared-model" or "router/shared-model".')
  })

  it('names the nearest model for a mistyped one', async () => {
    const routing = await started()
    for (const wrong of ['gpt-4o-mimi', 'opnai/gpt-4o-mini']) {
      const error = await refusal(routing, wrong)
      expect(error.code).toBe('model_not_found')
      expect(error.options.details?.[0]?.fix).toContain('"openai/gpt-4o-mini"')
    }
  })

  it('keeps to the models of the key and of its tier', async () => {
    const routing = await started({ tierModels: { free: ['demo/*'] } })
    expect((await refusal(routing, 'gpt-4o-mini', { models: ['demo/demo'], tier: 'pro' })).code).toBe(
      'model_not_allowed',
    )
    expect((await refusal(routing, 'gpt-4o-mini', { models: null, tier: 'free' })).code).toBe('model_not_allowed')
    expect(await names(routing, 'demo', { models: ['demo'], tier: 'free' })).toEqual(['demo/demo'])
  })

  it('is not ambiguous to a key that may use only one of them', async () => {
    expect(await names(await started(), 'shared-model', { models: ['router/*'], tier: 'pro' })).toEqual([
      'router/shared-model',
    ])
  })

  it('offers only the configured models of a provider that has such a list', async () => {
    const routing = await started({ offered: { openai: ['gpt-4o-mini'] } })
    expect((await refusal(routing, 'openai/text-embedding-3-small')).code).toBe('model_not_found')
    expect(await names(routing, 'openai/gpt-4o-mini')).toEqual(['openai/gpt-4o-mini'])
  })

  it('refuses an operation that the model does not have', async () => {
    const routing = await started()
    expect((await refusal(routing, 'text-embedding-3-small')).code).toBe('operation_not_supported')
    expect((await refusal(routing, 'gpt-4o-mini', anyone, 'embeddings')).code).toBe('operation_not_supported')
  })

  it('takes bounds from the configuration, then from the price library', async () => {
    const routing = await started({ models: { 'openai/gpt-4o-mini': { maxOutputTokens: 500 } } })
    const request = { ...unread, model: 'gpt-4o-mini', operation: 'chat' } as const
    const { targets } = await routing.choose(askerOf(anyone), request)
    const [target] = targets
    expect(target).toMatchObject({ maxOutputTokens: 500, contextTokens: 128_000 })
  })

  it('waits for the first lists, but not for a provider that hangs', async () => {
    const slow = { slow: () => new Promise<ListedModel[]>((resolve) => setTimeout(resolve, 50, listed('late'))) }
    const routing = routingOf({}, slow)
    await routing.start?.()
    expect(await names(routing, 'late')).toEqual(['slow/late'])

    const hanging = routingOf({}, { hanging: () => new Promise(() => {}), demo: lists['demo'] as never })
    await hanging.start?.()
    const before = performance.now()
    expect(await names(hanging, 'demo')).toEqual(['demo/demo'])
    expect((await refusal(hanging, 'nothing')).code).toBe('model_not_found')
    expect(performance.now() - before).toBeLessThan(4_000)
  })
})

describe('the models of a caller', () => {
  const callerOf = (models: readonly string[] | null) => ({ models, tier: 'pro' }) as Caller
  const id = ({ target }: { target: { name: string } }) => target.name

  it('are those that the key may call', async () => {
    const routing = await started()
    expect((await routing.list(callerOf(['openai/gpt-4o-mini']))).map(id)).toEqual(['openai/gpt-4o-mini'])
  })

  it('are found by their full or their bare name', async () => {
    const routing = await started()
    const find = (name: string, models: readonly string[] | null = null) => routing.find(callerOf(models), name)
    for (const name of ['router/meta/llama-3', 'meta/llama-3']) expect(id(await find(name))).toBe('router/meta/llama-3')
    expect((await find('text-embedding-3-small')).target.operations).toEqual(['embeddings'])
    await expect(find('nothing-like-it')).rejects.toMatchObject({ code: 'model_not_found' })
    await expect(find('demo', ['openai/*'])).rejects.toMatchObject({ code: 'model_not_allowed' })
  })
})
