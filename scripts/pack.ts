import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPackages } from './build-packages.ts'

const sumsFile = 'SHA256SUMS'

/** Runs npm without a shell; its notices are not of interest. */
const npm = (cwd: string, ...words: string[]): string =>
  execFileSync('npm', words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Builds and packs every package into `into`, with checksums in the form of `sha256sum`; returns the tarballs' names. */
export const packPackages = (root: string, into: string): string[] => {
  rmSync(into, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  for (const { folder } of buildPackages(root, join(into, 'packages')))
    npm(folder, 'pack', '--ignore-scripts', '--loglevel=error', `--pack-destination=${into}`)
  const tarballs = readdirSync(into)
    .filter((name) => name.endsWith('.tgz'))
    .sort()
  writeFileSync(join(into, sumsFile), tarballs.map((name) => `${digest(join(into, name))}  ${name}\n`).join(''))
  return tarballs
}

/** Names of the tarballs in a folder that are not what its checksums say, the missing ones included. */
export const changedTarballs = (folder: string): string[] =>
  readFileSync(join(folder, sumsFile), 'utf8')
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const [sum, name = ''] = line.split('  ')
      return readdirSync(folder).includes(name) && digest(join(folder, name)) === sum ? [] : [name]
    })

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const folder = join(root, 'dist/tarballs')
  execFileSync(process.execPath, [join(root, 'scripts/build-docs.ts'), '--if-stale'], { stdio: 'inherit' })
  packPackages(root, folder)
  const first = readFileSync(join(folder, sumsFile), 'utf8')
  packPackages(root, folder)
  if (readFileSync(join(folder, sumsFile), 'utf8') !== first) {
    console.error('Two builds of the same sources differ.')
    process.exitCode = 1
  } else console.log(`${first}${folder}: two builds, the same bytes`)
}
