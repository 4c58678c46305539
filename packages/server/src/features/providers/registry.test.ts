import { type Upstream, startUpstream } from '@headgate/qa/upstream/upstream.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, drain, openaiAt, providersOf, secret, settingsOf } from './__fixtures__/setting.ts'

let first: Upstream
let second: Upstream
beforeAll(async () => {
  first = await startUpstream()
  second = await startUpstream()
})
afterAll(async () => {
  await first.close()
  await second.close()
})

const at = (upstream: Upstream) => ({ kind: 'openai', baseUrl: `${upstream.url}/v1`, apiKey: secret('a-key') }) as const

describe('replacing a provider', () => {
  it('sends the next call to the new one and lets a stream under way end on the former', async () => {
    const providers = providersOf(openaiAt(first.url))
    const answer = await ask(providers, 'up/gpt-4o-mini', { stream: true })
    if (answer.kind !== 'events') throw new Error('expected a stream')
    providers.replace('configuration', 'up', at(second))
    await ask(providers, 'up/gpt-4o-mini')
    expect(second.requests()).toHaveLength(1)
    expect(first.requests()).toHaveLength(1)
    expect(await drain(answer.source)).toContain('[DONE]')
    await providers.close()
  })

  it('tells of each change, and of nothing at the start', async () => {
    const heard: string[] = []
    const providers = providersOf(openaiAt(first.url), { changed: (name) => heard.push(name) })
    expect(heard).toEqual([])
    providers.replace('operator', 'more', at(second))
    providers.replace('configuration', 'up', at(second))
    providers.remove('operator', 'more')
    providers.remove('operator', 'never-there')
    expect(heard).toEqual(['more', 'up', 'more'])
    expect(providers.names()).toEqual(['up'])
    await providers.close()
  })

  it('lets the configuration’s provider win by name, and the operator’s come to the fore once that is gone', async () => {
    const providers = providersOf(openaiAt(first.url))
    providers.replace('operator', 'up', at(second))
    expect(providers.optionsOf('up')?.baseUrl).toBe(`${first.url}/v1`)
    providers.remove('configuration', 'up')
    expect(providers.optionsOf('up')?.baseUrl).toBe(`${second.url}/v1`)
    expect(providers.secretsOf('up')).toEqual(['a-key'])
    await providers.close()
  })
})

describe('a configuration that is read again', () => {
  it('leaves the providers that are as before, with their connections', async () => {
    const heard: string[] = []
    const configs = { up: at(first), other: at(second) }
    const providers = providersOf(configs, { changed: (name) => heard.push(name) })
    const { optionsOf } = providers
    const before = optionsOf('up')
    providers.reconfigure(settingsOf(configs))
    expect(heard).toEqual([])
    expect(optionsOf('up')).toBe(before)
    providers.reconfigure(settingsOf({ ...configs, other: at(first) }))
    expect(heard).toEqual(['other'])
    providers.reconfigure({ ...settingsOf(configs), connections: 7 })
    expect(heard).toEqual(['other', 'up', 'other'])
    await providers.close()
  })
})
