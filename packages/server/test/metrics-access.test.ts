import { expect, it } from 'vitest'
import { startHouse } from './support/house.ts'
import { expectFetchedError } from './input/error-shape.ts'

const metrics = async (environment: Record<string, string>) => {
  const house = await startHouse({ environment })
  try {
    const bare = await fetch(`${house.url}/metrics`)
    const text = bare.ok ? await bare.text() : null
    if (!bare.ok) await expectFetchedError(bare, 'api_key_missing')
    const { key } = await house.makeKey()
    const asKey = await house.request('/metrics', { key })
    const asAdmin = await house.request('/metrics')
    return { open: text?.includes('headgate_requests_total') ?? false, asKey: asKey.status, asAdmin: asAdmin.status }
  } finally {
    await house.stop()
  }
}

it('metrics take the admin key where others than this machine may reach them, unless they are public', async () => {
  // A spelling of 127.0.0.1 that only the resolver knows stands for an address that is not loopback.
  const HEADGATE_HOST = '127.1'
  const everyone = { open: true, asKey: 200, asAdmin: 200 }
  expect(await metrics({})).toEqual(everyone)
  expect(await metrics({ HEADGATE_HOST })).toEqual({ open: false, asKey: 403, asAdmin: 200 })
  expect(await metrics({ HEADGATE_HOST, HEADGATE_METRICS_PUBLIC: 'true' })).toEqual(everyone)
})
