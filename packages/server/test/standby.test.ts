import { expect, it } from 'vitest'
import { isAlive, startGateway } from './faults/support/gateway-process.ts'
import { until } from './faults/support/load.ts'

it('a process that stands by takes the folder over when the one that serves is killed, and knows what that one knew', async () => {
  const active = await startGateway({ databaseUrl: '', upstreamUrl: 'http://127.0.0.1:9' })
  const { id } = await active.makeKey()
  const standby = await startGateway({
    databaseUrl: '',
    upstreamUrl: 'http://127.0.0.1:9',
    dataDirectory: active.dataDirectory,
    environment: { HEADGATE_STANDBY: 'true' },
  })
  const ready = async () => {
    const answer = await standby.request('/readyz')
    return [answer.status, ((await answer.json()) as { status: string }).status]
  }
  try {
    expect(await ready()).toEqual([503, 'standby'])
    expect((await standby.request('/livez')).status).toBe(200)
    expect((await standby.request(`/admin/v1/keys/${id}`)).status).toBe(503)
    expect(standby.output()).not.toContain('PostgreSQL: starting')

    await active.kill()
    await until('it serves', async () => (await standby.request('/readyz')).status === 200, 20_000)
    expect((await standby.request(`/admin/v1/keys/${id}`)).status).toBe(200)

    // One that still waits holds nothing, and ends when told.
    const another = await startGateway({
      databaseUrl: '',
      upstreamUrl: 'http://127.0.0.1:9',
      dataDirectory: active.dataDirectory,
      environment: { HEADGATE_STANDBY: 'true' },
    })
    another.signal('SIGTERM')
    expect(await another.ended).toBe(0)
    expect(isAlive(standby.pid)).toBe(true)
  } finally {
    standby.signal('SIGTERM')
    expect(await standby.ended).toBe(0)
    await active.kill()
  }
})
