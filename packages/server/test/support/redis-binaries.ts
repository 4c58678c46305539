import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../../../../.cache/redis', import.meta.url))

/** The redis-server program and what its environment needs. */
export interface RedisProgram {
  readonly program: string
  readonly environment: Readonly<Record<string, string>>
}

const advice =
  'Tests need a real Redis 7 or Valkey. Set TEST_REDIS_URL to one and install redis-server, ' +
  'or run on Debian or Ubuntu with apt-get and dpkg, which need no root here.'

const onPath = async (): Promise<string | undefined> => {
  const { stdout } = await run('sh', ['-c', 'command -v redis-server || command -v valkey-server']).catch(() => ({
    stdout: '',
  }))
  return stdout.trim() || undefined
}

/** An apt of our own: the machine's sources and keys, but no installed packages, so that it downloads every library. */
const privateApt = async (root: string) => {
  for (const folder of ['lists/partial', 'archives/partial', 'status']) {
    await mkdir(join(root, folder), { recursive: true })
  }
  await writeFile(join(root, 'status', 'dpkg'), '')
  const configuration = join(root, 'apt.conf')
  await writeFile(
    configuration,
    [
      `Dir::State "${root}";`,
      `Dir::State::lists "${root}/lists";`,
      `Dir::State::status "${root}/status/dpkg";`,
      `Dir::Cache "${root}";`,
      `Dir::Cache::archives "${root}/archives";`,
      'APT::Sandbox::User "";',
      'Acquire::Languages "none";',
      'Acquire::Retries "2";',
      'Debug::NoLocking "true";',
    ].join('\n'),
  )
  return { ...process.env, APT_CONFIG: configuration, DEBIAN_FRONTEND: 'noninteractive' }
}

// What a minimal system lacks of redis-server's libraries; those of libc and OpenSSL come along when they are absent.
const wanted = /^(redis-server|redis-tools|libjemalloc2|liblzf1|libatomic1|liblua5\.1-0|lua-[a-z]+|libhiredis[\d.]*)$/

const download = async (root: string): Promise<void> => {
  const env = await privateApt(root)
  // One broken source of the machine (a third party's) does not matter as long as the package is found.
  await run('apt-get', ['update', '-q'], { env, maxBuffer: 1 << 26 }).catch(() => undefined)
  const { stdout } = await run(
    'apt-cache',
    [
      'depends',
      '--recurse',
      '--no-recommends',
      '--no-suggests',
      '--no-conflicts',
      '--no-breaks',
      '--no-replaces',
      '--no-enhances',
      'redis-server',
    ],
    { env, maxBuffer: 1 << 26 },
  )
  const names = [...new Set(stdout.split('\n').filter((line) => wanted.test(line)))]
  const archives = join(root, 'archives')
  await run('apt-get', ['download', '-q', ...names], { env, cwd: archives, maxBuffer: 1 << 26 })
  for (const file of await readdir(archives)) {
    if (file.endsWith('.deb')) await run('dpkg', ['-x', join(archives, file), join(root, 'files')])
  }
  await rm(join(root, 'lists'), { recursive: true, force: true })
}

const libraries = async (root: string): Promise<string> => {
  const triples = await readdir(join(root, 'files', 'usr', 'lib')).catch(() => [])
  return triples
    .filter((entry) => entry.includes('-linux-'))
    .map((entry) => join(root, 'files', 'usr', 'lib', entry))
    .join(':')
}

/**
 * Finds redis-server: the machine's own, or Debian's package unpacked into the ignored cache, no root needed.
 * The first time costs some seconds.
 */
export const locateRedis = async (): Promise<RedisProgram> => {
  const installed = await onPath()
  if (installed) return { program: installed, environment: {} }
  const program = join(cache, 'files', 'usr', 'bin', 'redis-server')
  if (!existsSync(program)) {
    const draft = `${cache}.${process.pid}.new`
    await rm(draft, { recursive: true, force: true })
    try {
      await download(draft)
      // redis-server is a link to redis-check-rdb in redis-tools.
      await readFile(join(draft, 'files', 'usr', 'bin', 'redis-server'))
    } catch (cause) {
      await rm(draft, { recursive: true, force: true })
      throw new Error(`redis-server could not be unpacked: ${(cause as Error).message}\n${advice}`, { cause })
    }
    await rename(draft, cache).catch(async () => {
      await rm(draft, { recursive: true, force: true })
    })
  }
  return { program, environment: { LD_LIBRARY_PATH: await libraries(cache) } }
}
