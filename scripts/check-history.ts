import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, copyFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ignoredPaths, isLookedAt, keyProblems } from './check-keys.ts'

/**
 * Looks for secrets in every version of every file that the history of this clone holds: what was committed once is known,
 * also when a later commit took it away. A shallow clone has less of it; CI fetches all.
 */
const home = fileURLToPath(new URL('..', import.meta.url))
const git = (...words: string[]): Buffer => execFileSync('git', words, { maxBuffer: 2 ** 31 - 1 })
const root = git('rev-parse', '--show-toplevel').toString().trim()

interface Version {
  readonly id: string
  readonly path: string
}

const versions = (): Version[] => {
  const ignored = ignoredPaths(root)
  return git('rev-list', '--objects', '--all', '--filter=object:type=blob', '--filter-provided-objects')
    .toString()
    .split('\n')
    .flatMap((line) => {
      const at = line.indexOf(' ')
      const path = line.slice(at + 1)
      return at > 0 && isLookedAt(path, ignored) ? [{ id: line.slice(0, at), path }] : []
    })
}

/** Lays each version out as a file of its own; its folder is its place in the list. */
const layOut = (folder: string, list: readonly Version[]): void => {
  const output = execFileSync('git', ['cat-file', '--batch'], {
    input: list.map(({ id }) => `${id}\n`).join(''),
    maxBuffer: 2 ** 31 - 1,
  })
  let from = 0
  for (const [index, { path }] of list.entries()) {
    const head = output.indexOf('\n', from)
    const size = Number(output.toString('latin1', from, head).split(' ')[2])
    mkdirSync(join(folder, String(index)))
    writeFileSync(join(folder, String(index), basename(path)), output.subarray(head + 1, head + 1 + size))
    from = head + 1 + size + 1
  }
}

const folder = mkdtempSync(join(tmpdir(), 'headgate-history-'))
try {
  const list = versions()
  layOut(folder, list)
  for (const name of ['.secretlintrc.json', '.secretlintignore']) copyFileSync(join(root, name), join(folder, name))
  const tool = join(home, 'node_modules/secretlint/bin/secretlint.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, '--format', 'unix', '**/*'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const found = [...(status === 0 ? [] : (stdout + stderr).trim().split('\n')), ...keyProblems(folder)]
  const named = found.map((line) =>
    line.replaceAll(`${folder}/`, '').replace(/^(\d+)\/[^:]+/, (place, index) => {
      const version = list[Number(index)]
      return version ? `${version.path} (git log --all --find-object=${version.id.slice(0, 12)})` : place
    }),
  )
  if (named.length > 0) console.error(named.join('\n'))
  console.log(`${list.length} versions of files, ${named.length} complaints`)
  process.exitCode = named.length > 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true, force: true })
}
