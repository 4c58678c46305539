import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { architectureProblems } from './check-architecture.ts'
import { catalogueProblems } from './check-catalogue.ts'
import { privacyProblems } from './check-data-map.ts'
import { deliveryProblems } from './check-delivery.ts'
import { dependencyProblems } from './check-dependencies.ts'
import { directiveProblems } from './check-directives.ts'
import { docsProblems } from './check-docs.ts'
import { keyProblems } from './check-keys.ts'
import { lockfileProblems } from './check-lockfile.ts'
import { openapiProblems } from './check-openapi.ts'
import { plantProblems } from './check-plants.ts'
import { releaseProblems } from './check-releases.ts'
import { sampleProblems } from './check-samples.ts'

/** The one command that says whether the house stands; `.ci/run` calls the same. Narrow it by names: `npm run check -- types lint`. */
interface Check {
  name: string
  /** Resolves to what is wrong; empty when all is well. */
  run: () => Promise<string>
}

const root = fileURLToPath(new URL('..', import.meta.url))

const tool = (name: string, script: string, ...parameters: string[]): Check => ({
  name,
  run: () =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [`node_modules/${script}`, ...parameters], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      const collect = (chunk: Buffer): void => {
        output += chunk.toString()
      }
      child.stdout.on('data', collect)
      child.stderr.on('data', collect)
      child.once('error', reject)
      child.once('close', (code) => resolve(code === 0 ? '' : output.trim() || `ended with ${code}`))
    }),
})

const rule = (name: string, problems: (root: string) => string[]): Check => ({
  name,
  run: async () => problems(root).join('\n'),
})

/** Longest first, so that two at a time end together. */
const checks: Check[] = [
  // What was found sound is remembered beside other caches: the next time only what changed is read.
  tool(
    'types',
    'ts7/bin/tsc',
    ...['-p', 'tsconfig.json', '--noEmit', '--incremental', '--tsBuildInfoFile', '.cache/types.tsbuildinfo'],
  ),
  tool('lint', 'oxlint/bin/oxlint', '--type-aware', '--deny-warnings'),
  tool('boundaries', '.bin/depcruise', '--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', 'packages'),
  tool('unused', 'knip/bin/knip.js', '--no-config-hints'),
  tool('secrets', 'secretlint/bin/secretlint.js', '**/*'),
  tool('format', '@biomejs/biome/bin/biome', 'format', '.'),
  rule('architecture', architectureProblems),
  rule('catalogue', catalogueProblems),
  { name: 'data-map', run: async () => (await privacyProblems()).join('\n') },
  { name: 'delivery', run: async () => (await deliveryProblems(root)).join('\n') },
  rule('directives', directiveProblems),
  rule('plants', plantProblems),
  rule('keys', keyProblems),
  rule('docs', docsProblems),
  rule('samples', sampleProblems),
  rule('lockfile', lockfileProblems),
  rule('releases', releaseProblems),
  rule('dependencies', dependencyProblems),
  { name: 'reference', run: tool('', '../scripts/generate-reference.ts', '--check').run },
  { name: 'openapi', run: () => openapiProblems(root) },
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !checks.some((check) => check.name === name))
if (unknown.length > 0) {
  console.error(`No check is called ${unknown.join(', ')}; there are: ${checks.map((check) => check.name).join(', ')}.`)
  process.exit(2)
}

const queue = checks.filter((check) => wanted.length === 0 || wanted.includes(check.name))
const failed: string[] = []

/** The whole complaint where it was asked for by name, else its first lines. */
const excerpt = (name: string, complaint: string): string => {
  const lines = complaint.split('\n')
  if (wanted.length > 0 || lines.length <= 60) return complaint
  return [...lines.slice(0, 60), `… and ${lines.length - 60} lines more: npm run check -- ${name}`].join('\n')
}

const work = async (): Promise<void> => {
  for (let check = queue.shift(); check; check = queue.shift()) {
    const begun = performance.now()
    const complaint = await check.run().catch((fault: unknown) => String(fault))
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    if (complaint) failed.push(check.name)
    console.log(`${complaint ? 'fail' : 'ok  '}  ${check.name.padEnd(12)} ${seconds.padStart(5)} s`)
    if (complaint) console.log(excerpt(check.name, complaint).replaceAll(/^/gm, '      '))
  }
}
await Promise.all([work(), work()])
if (failed.length > 0) console.log(`${failed.length} failed: ${failed.join(', ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
