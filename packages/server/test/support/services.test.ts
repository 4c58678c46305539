import { afterAll, expect, test } from 'vitest'
import { redisUrl } from './redis.ts'
import { administer, pingRedis, startPostgres, startRedis, type TestService } from './services.ts'

const services: TestService[] = []
afterAll(async () => {
  for (const service of services) await service.stop()
})

test('the run has a shared Redis', async () => {
  expect(await pingRedis(redisUrl())).toBe('PONG')
})

test('a Redis of its own can be frozen, killed and started again on its port', async () => {
  const redis = await startRedis()
  services.push(redis)
  expect(await pingRedis(redis.url)).toBe('PONG')
  redis.signal('SIGSTOP')
  await expect(pingRedis(redis.url)).rejects.toThrow()
  redis.signal('SIGCONT')
  expect(await pingRedis(redis.url)).toBe('PONG')
  const before = redis.pid()
  await redis.kill()
  await expect(pingRedis(redis.url)).rejects.toThrow()
  await redis.restart()
  expect(redis.pid()).not.toBe(before)
  expect(await pingRedis(redis.url)).toBe('PONG')
})

test('a PostgreSQL of its own keeps its rows over kill and restart', async () => {
  const postgres = await startPostgres({ durable: true })
  services.push(postgres)
  await administer(postgres.url, 'CREATE TABLE kept (n int)', 'INSERT INTO kept VALUES (1)')
  await postgres.kill()
  await expect(administer(postgres.url, 'SELECT 1')).rejects.toThrow()
  await postgres.restart()
  await administer(postgres.url, 'SELECT 1/count(*) FROM kept')
})
