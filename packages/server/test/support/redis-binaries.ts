import { type LocatedProgram, locateProgram } from './debian-binaries.ts'

const advice = 'Tests need a real Redis 7 or Valkey: set TEST_REDIS_URL to one and install redis-server.'

/** Finds redis-server: the machine's own, or Debian's package, which redis-tools completes (redis-server is a link into it). */
export const locateRedis = async (): Promise<LocatedProgram> => {
  try {
    return await locateProgram({
      programs: ['redis-server', 'valkey-server'],
      packages: ['redis-server', 'redis-tools'],
    })
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${advice}`, { cause })
  }
}
