import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Release, readReleases, releasesFile } from './check-releases.ts'

/**
 * Brings `package-releases.json` up to the lock file: asks the registry, through npm, when each new version was published, and
 * forgets those that have gone. Run it after each change of dependencies; `npm run check` then needs no network.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const { locked, record } = readReleases(root)

const publishedOn = (one: string): string => {
  const at = one.lastIndexOf('@')
  const text = execFileSync('npm', ['view', one.slice(0, at), 'time', '--json'], { cwd: root, encoding: 'utf8' })
  const moment = (JSON.parse(text) as Record<string, string>)[one.slice(at + 1)]
  if (moment === undefined) throw new Error(`the registry does not say when ${one} was published`)
  return moment.slice(0, 10)
}

const added = new Date().toISOString().slice(0, 10)
const before = record.before.filter((one) => locked.includes(one))
const releases = Object.fromEntries(
  locked
    .filter((one) => !before.includes(one))
    .map((one): [string, Release] => [one, record.releases[one] ?? { published: publishedOn(one), added }]),
)
writeFileSync(join(root, releasesFile), `${JSON.stringify({ before, releases }, null, 2)}\n`)
console.log(`${Object.keys(releases).length} recorded, ${before.length} from before`)
