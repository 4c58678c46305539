import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { mintKey, mintPublicId } from '../packages/server/src/features/identity/key-secret.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-past-'))
const repository = join(folder, 'whole')
const key = mintKey('publishable', mintPublicId())

const git = (...words: string[]) => execFileSync('git', words, { cwd: repository, stdio: 'pipe' })
const commit = (name: string, text: string) => {
  writeFileSync(join(repository, name), text)
  git('add', '-A')
  git('-c', 'user.name=n', '-c', 'user.email=n@example.org', 'commit', '-qm', name)
}
const check = (cwd: string) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(home, 'scripts/check-history.ts')], { cwd })
  return { status, said: `${stdout.toString()}${stderr.toString()}` }
}

beforeAll(() => {
  execFileSync('git', ['init', '-q', repository])
  for (const name of ['.secretlintrc.json', '.secretlintignore']) copyFileSync(join(home, name), join(repository, name))
  commit('notes.txt', `hg_pk_${'0aZ'.repeat(16)}\n`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('lets pass what only looks like a key', () => {
  expect(check(repository)).toEqual({ status: 0, said: '3 versions of files, 0 complaints\n' })
}, 60_000)

it('finds secrets that a later commit took away, and says where', () => {
  commit('page.html', `<script>key = "${key}"</script>\n`)
  commit('page.html', '\n')
  commit(
    'id_rsa',
    `-----BEGIN ${'RSA PRIVATE'} KEY-----\n${'MIIEpAIBAAKCAQEA'.repeat(8)}\n-----END ${'RSA PRIVATE'} KEY-----\n`,
  )
  commit('id_rsa', '\n')
  const { status, said } = check(repository)
  expect(status).toBe(1)
  expect(said).toMatch(/^page\.html \(git log --all --find-object=\w{12}\): line 1: a publishable Headgate key/m)
  expect(said).toMatch(/^id_rsa \(git log --all --find-object=\w{12}\).*private ?key/im)
  expect(said).not.toContain(key)
}, 60_000)

it('looks at what a shallow clone has', () => {
  const shallow = join(folder, 'shallow')
  execFileSync('git', ['clone', '-q', '--depth=1', `file://${repository}`, shallow])
  expect(check(shallow)).toMatchObject({ status: 0 })
}, 60_000)
