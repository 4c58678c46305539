import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keyProblems } from './check-keys.ts'

/**
 * The fast part of the check, for the pre-commit hook: secrets, format and lint of the files as they are staged, which may
 * differ from what stands in the working tree.
 */
const tools = fileURLToPath(new URL('../node_modules/', import.meta.url))
const root = execFileSync('git', ['rev-parse', '--show-toplevel']).toString().trim()
const staged = execFileSync('git', ['diff', '--cached', '--name-only', '--diff-filter=ACMR', '-z'], { cwd: root })
  .toString()
  .split('\0')
  .filter((path) => path !== '' && path !== 'package-lock.json')
if (staged.length === 0) process.exit(0)

const folder = mkdtempSync(join(tmpdir(), 'headgate-staged-'))
let failed = false
const complain = (name: string, complaint: string): void => {
  failed = true
  console.error(`${name}:\n${complaint.replaceAll(/^/gm, '  ')}`)
}
const run = (name: string, script: string, parameters: readonly string[], files: readonly string[]): void => {
  // The others would quote the line of a secret.
  if (failed || files.length === 0) return
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(tools, script), ...parameters, ...files], {
    cwd: folder,
  })
  if (status === 0) return
  complain(name, `${stdout.toString()}${stderr.toString()}`.replaceAll(folder + sep, '').trim())
}

try {
  execFileSync('git', ['checkout-index', '-z', '--stdin', `--prefix=${folder}${sep}`], {
    cwd: root,
    input: staged.join('\0'),
  })
  const settings = ['.secretlintrc.json', '.secretlintignore', 'biome.json', '.oxlintrc.json']
  execFileSync('git', ['checkout-index', '-z', '--stdin', '-f', `--prefix=${folder}${sep}`], {
    cwd: root,
    input: settings.join('\0'),
  })
  const keys = keyProblems(folder, staged)
  if (keys.length > 0) complain('keys', keys.join('\n'))
  run('secrets', 'secretlint/bin/secretlint.js', [], staged)
  run('format', '@biomejs/biome/bin/biome', ['format', '--vcs-enabled=false', '--no-errors-on-unmatched'], staged)
  // Rules that need types are left to `npm run check`, and so is whether a directive is needed.
  run(
    'lint',
    'oxlint/bin/oxlint',
    ['--deny-warnings', '--report-unused-disable-directives-severity=off'],
    staged.filter((path) => /\.(?:ts|tsx|mjs|js)$/.test(path)),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (failed) console.error('Nothing was committed. `npm run format` formats; `git commit --no-verify` skips this check.')
process.exitCode = failed ? 1 : 0
