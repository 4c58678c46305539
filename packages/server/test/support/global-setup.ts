import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/kernel/migrate.ts'
import { administer, removeLeftovers, startPostgres, startRedis, type TestService } from './services.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The administrator's URL of the run's PostgreSQL. */
    postgresUrl: string
    redisUrl: string
    /** A database with every migration applied, to be copied. */
    templateDatabase: string
  }
}

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const services: TestService[] = []
// Of a server that is not ours and outlives the run.
let borrowed: { url: string; database: string } | undefined

const provideServices = async (): Promise<{ postgresUrl: string; redisUrl: string }> => {
  const [postgres, redis] = await Promise.allSettled([
    process.env.TEST_DATABASE_URL ?? startPostgres(),
    process.env.TEST_REDIS_URL ?? startRedis(),
  ])
  const urls: string[] = []
  for (const outcome of [postgres, redis]) {
    if (outcome.status === 'rejected') continue
    if (typeof outcome.value !== 'string') services.push(outcome.value)
    urls.push(typeof outcome.value === 'string' ? outcome.value : outcome.value.url)
  }
  for (const outcome of [postgres, redis]) if (outcome.status === 'rejected') throw outcome.reason
  return { postgresUrl: urls[0] as string, redisUrl: urls[1] as string }
}

/** Starts one PostgreSQL and one Redis for the whole run and prepares the database that every test file copies. */
export const setup = async (project: TestProject): Promise<void> => {
  removeLeftovers()
  try {
    const { postgresUrl, redisUrl } = await provideServices()
    const templateDatabase = `headgate_template_${process.pid}`
    await administer(postgresUrl, `DROP DATABASE IF EXISTS ${templateDatabase}`, `CREATE DATABASE ${templateDatabase}`)
    if (process.env.TEST_DATABASE_URL) borrowed = { url: postgresUrl, database: templateDatabase }
    const url = new URL(postgresUrl)
    url.pathname = `/${templateDatabase}`
    await migrate({ connection: { url: url.href }, log: quiet })
    project.provide('postgresUrl', postgresUrl)
    project.provide('redisUrl', redisUrl)
    project.provide('templateDatabase', templateDatabase)
  } catch (cause) {
    await teardown()
    throw cause
  }
}

export const teardown = async (): Promise<void> => {
  if (borrowed) await administer(borrowed.url, `DROP DATABASE IF EXISTS ${borrowed.database} WITH (FORCE)`)
  for (const service of services.splice(0)) await service.stop()
}
