import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiDocument } from './api-document.ts'
import { documentPath, releasedPath } from './check-openapi.ts'
import { readSources } from './sources.ts'
import { referencePages } from './reference-pages.ts'
import { samplePages } from './sample-pages.ts'
import { wiringPicture } from './wiring-picture.ts'

/**
 * Writes the reference from the code; `--check` writes nothing and fails when the pages on disk say something else. With
 * `--release` the API document also becomes the one that later versions are compared with.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const pages = new Map([...referencePages(root), ...samplePages(root)])
const apiText = `${JSON.stringify(await apiDocument(), null, 1)}\n`
pages.set(documentPath, apiText)
pages.set('docs/pictures/wiring.svg', wiringPicture(root))
if (process.argv.includes('--release')) pages.set(releasedPath, apiText)
const onDisk = ['docs/reference', 'docs/errors', 'docs/samples'].flatMap((folder) => readSources(root, folder, '.md'))
const current = (path: string): string | undefined =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
const stale = [...pages].filter(([path, text]) => current(path) !== text).map(([path]) => path)
const orphans = onDisk.map(({ path }) => path).filter((path) => !pages.has(path))

if (process.argv.includes('--check')) {
  for (const path of stale) console.error(`${path}: differs from the code; run npm run generate`)
  for (const path of orphans) console.error(`${path}: describes nothing that exists; run npm run generate`)
  process.exitCode = stale.length + orphans.length > 0 ? 1 : 0
} else {
  for (const path of orphans) rmSync(join(root, path))
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), pages.get(path) ?? '')
  }
  console.log(`${pages.size} pages, ${stale.length} written, ${orphans.length} removed`)
}
