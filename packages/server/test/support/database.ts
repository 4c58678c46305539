import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { administer } from './services.ts'

/** A database of one test file's own, with every migration applied. */
export interface TestDatabase {
  readonly url: string
  readonly name: string
  /** Ends its connections and removes it. */
  readonly drop: () => Promise<void>
}

const withDatabase = (name: string): string => {
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  return url.href
}

const create = async (template: string): Promise<TestDatabase> => {
  const name = `headgate_test_${randomBytes(6).toString('hex')}`
  await administer(inject('postgresUrl'), `CREATE DATABASE ${name} TEMPLATE ${template}`)
  return {
    url: withDatabase(name),
    name,
    drop: () => administer(inject('postgresUrl'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

/** Copies the migrated template: some tens of milliseconds. Call in `beforeAll`, `drop()` in `afterAll`. */
export const freshDatabase = (): Promise<TestDatabase> => create(inject('templateDatabase'))

/** A database with nothing in it, for tests of the migrations themselves. */
export const emptyDatabase = (): Promise<TestDatabase> => create('template0')
