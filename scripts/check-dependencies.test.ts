import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { dependencyFaults, type LockedDependency } from './check-dependencies.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { packages } = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8')) as {
  packages: Record<string, LockedDependency>
}

test('a dependency without reason, a licence that is not allowed and a script at install are named', () => {
  expect(dependencyFaults(packages)).toEqual([])
  const server = packages['packages/server'] as LockedDependency
  const planted = {
    ...packages,
    'packages/server': { ...server, dependencies: { ...server.dependencies, leftover: '1.0.0' } },
    'node_modules/leftover': { version: '1.0.0', license: 'GPL-3.0-only', hasInstallScript: true },
  }
  expect(dependencyFaults(planted).join('\n')).toMatch(/leftover: say in[^]*GPL-3.0-only[^]*runs a script/)
})

test('the bill of materials names what the lock file locks, and nothing else', () => {
  const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
  const bill = JSON.parse(text) as {
    bomFormat: string
    components: { name: string; version: string; group?: string }[]
  }
  expect(bill.bomFormat).toBe('CycloneDX')
  const named = new Set(
    bill.components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`),
  )
  const locked = Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, { name, version }]) => {
      const called = `${path.split('node_modules/').at(-1)}@${version}`
      return { called, is: name === undefined ? called : `${name}@${version}` }
    })
  const called = locked.map((one) => one.called)
  const inBill = [...named].filter((one) => !/^(@headgate\/)?(contract|server|qa)@/.test(one))
  expect(inBill.filter((one) => !called.includes(one))).toEqual([])
  // What is installed under several names stands there once.
  const installed = new Set(locked.filter((one) => named.has(one.called)).map((one) => one.is))
  expect(locked.filter((one) => !installed.has(one.is))).toEqual([])
})
