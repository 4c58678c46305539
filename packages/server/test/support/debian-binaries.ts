import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../../../../.cache/debian', import.meta.url))
const binaries = ['usr/bin', 'usr/sbin', 'bin', 'sbin']

/** What a test wants of the machine, or else of Debian's packages. */
export interface ProgramWish {
  /** Names of the program, the preferred one first: `['redis-server', 'valkey-server']`. */
  readonly programs: readonly string[]
  /** Debian packages that hold the first of them and what it needs at run time. */
  readonly packages: readonly string[]
  /** Arguments with which a program of the machine must end with 0 to be taken; without them it need only be there. */
  readonly probe?: readonly string[]
}

/** A program and what its environment needs. */
export interface LocatedProgram {
  readonly program: string
  readonly environment: Readonly<Record<string, string>>
  /** Where its packages were unpacked, as if it were `/`; absent when the program is the machine’s own. */
  readonly root?: string
}

const onPath = async ({ programs, probe }: ProgramWish): Promise<string | undefined> => {
  for (const name of programs) {
    const found = await run('sh', ['-c', 'command -v "$1"', 'sh', name]).catch(() => undefined)
    const program = found?.stdout.trim()
    if (program && (!probe || (await run(program, probe).catch(() => undefined)))) return program
  }
  return undefined
}

/** An apt of our own: the machine's sources, keys and installed packages, its lists and archives in a folder of ours. */
const privateApt = async (folder: string): Promise<NodeJS.ProcessEnv> => {
  for (const name of ['lists/partial', 'archives/partial']) await mkdir(join(folder, name), { recursive: true })
  const configuration = join(folder, 'apt.conf')
  await writeFile(
    configuration,
    [
      `Dir::State "${folder}";`,
      `Dir::State::lists "${folder}/lists";`,
      'Dir::State::status "/var/lib/dpkg/status";',
      `Dir::Cache "${folder}";`,
      `Dir::Cache::archives "${folder}/archives";`,
      'APT::Sandbox::User "";',
      'APT::Install-Recommends "false";',
      'Acquire::Languages "none";',
      'Acquire::Retries "2";',
      'Debug::NoLocking "true";',
    ].join('\n'),
  )
  return { ...process.env, APT_CONFIG: configuration, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
}

/** The C library must be the one of the machine's loader; the rest of these do nothing for an unpacked program. */
const leftToTheMachine = /^(libc6|libc-bin|libgcc-s1|gcc-\d+-base|base-files|dpkg|tar|perl-base|debconf|media-types)$/

const unpack = async (folder: string, packages: readonly string[]): Promise<void> => {
  const env = await privateApt(folder)
  const options = { env, maxBuffer: 1 << 26 }
  // One broken source of the machine (a third party's) does not matter as long as the packages are found.
  await run('apt-get', ['update', '-q'], options).catch(() => undefined)
  const { stdout } = await run('apt-get', ['install', '--simulate', '-q', ...packages], options)
  const missing = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name as string)
  // Named ones are unpacked even where they are installed but were not found on the path.
  const names = new Set([...packages, ...missing.filter((name) => !leftToTheMachine.test(name))])
  const archives = join(folder, 'archives')
  await run('apt-get', ['download', '-q', ...names], { ...options, cwd: archives })
  for (const file of await readdir(archives)) {
    if (file.endsWith('.deb')) await run('dpkg', ['-x', join(archives, file), join(folder, 'files')])
  }
  for (const name of ['lists', 'archives', 'pkgcache.bin', 'srcpkgcache.bin']) {
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** By its name, else by its name with a version (`php8.2`), which only the installation would have linked. */
const programIn = async (files: string, name: string): Promise<string | undefined> => {
  const versioned = /^\d[\d.]*$/
  for (const folder of binaries.map((path) => join(files, path))) {
    if (existsSync(join(folder, name))) return join(folder, name)
    const entries = await readdir(folder).catch(() => [])
    const entry = entries.find((file) => file.startsWith(name) && versioned.test(file.slice(name.length)))
    if (entry) return join(folder, entry)
  }
  return undefined
}

/** What programs and libraries below a folder that stands for `/` need in their environment. */
export const environmentOf = async (files: string): Promise<Record<string, string>> => {
  const folders = ['usr/lib', 'lib'].map((name) => join(files, name))
  const libraries: string[] = []
  for (const folder of folders) {
    for (const entry of await readdir(folder).catch(() => [])) {
      if (entry.includes('-linux-')) libraries.push(join(folder, entry))
    }
  }
  return {
    ...(libraries.length > 0 && { LD_LIBRARY_PATH: libraries.join(delimiter) }),
    PATH: [...binaries.map((folder) => join(files, folder)), process.env['PATH'] ?? ''].join(delimiter),
  }
}

/** Whether packages can be had here. */
export const hasApt = async (): Promise<boolean> =>
  (await onPath({ programs: ['apt-get'], packages: [] })) !== undefined

/**
 * Unpacks Debian's packages, and what they need and the machine lacks, into a folder of the ignored cache that stands for
 * `/`; no root needed. The first time costs some seconds. `finds` tells whether what was wanted is in it.
 * Throws with what to install when they cannot be had.
 */
export const unpackPackages = async (
  packages: readonly string[],
  finds: (files: string) => Promise<boolean>,
): Promise<string> => {
  const root = join(cache, packages.join('+'))
  const files = join(root, 'files')
  if (await finds(files)) return files
  const draft = `${root}.${process.pid}.new`
  for (const folder of [root, draft]) await rm(folder, { recursive: true, force: true })
  try {
    await unpack(draft, packages)
    if (!(await finds(join(draft, 'files')))) throw new Error('they do not hold what was wanted')
    // Another process may have been faster; what it unpacked is as good.
    await rename(draft, root).catch(() => undefined)
  } catch (cause) {
    throw new Error(
      `${packages.join(' and ')} could not be unpacked: ${(cause as Error).message}\n` +
        'Install what they hold, or run on Debian or Ubuntu with apt-get and dpkg, which need no root here.',
      { cause },
    )
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return files
}

/** Finds a program: the machine's own, or that of Debian's packages, unpacked into the cache. */
export const locateProgram = async (wish: ProgramWish): Promise<LocatedProgram> => {
  const installed = await onPath(wish)
  if (installed) return { program: installed, environment: {} }
  const [name] = wish.programs as [string]
  const root = await unpackPackages(wish.packages, async (files) => (await programIn(files, name)) !== undefined)
  return { program: (await programIn(root, name)) as string, environment: await environmentOf(root), root }
}
