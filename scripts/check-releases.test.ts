import { expect, it } from 'vitest'
import { lockedReleases, releaseFaults } from './check-releases.ts'

const day = (published: string, added: string) => ({ published, added })

it('takes what is installed from the registry, under its own name', () => {
  expect(
    lockedReleases({
      '': { version: '1.0.0' },
      'packages/server': { version: '1.0.0' },
      'node_modules/@headgate/server': { link: true },
      'node_modules/b': { version: '2.0.0' },
      'node_modules/a/node_modules/b': { version: '2.0.0' },
      'node_modules/alias': { name: 'a', version: '3.0.0' },
    }),
  ).toEqual(['a@3.0.0', 'b@2.0.0'])
})

it('lets pass what was a week old when it came, however young it was on the day of the check', () => {
  const releases = { 'a@1.0.0': day('2026-01-01', '2026-01-08') }
  expect(releaseFaults(['a@1.0.0', 'old@1.0.0'], { before: ['old@1.0.0'], releases })).toEqual([])
})

it('names what came too young, unless it says why', () => {
  const young = day('2026-01-01', '2026-01-07')
  expect(releaseFaults(['a@1.0.0'], { before: [], releases: { 'a@1.0.0': young } })).toEqual([
    'a@1.0.0: was 6 days old when it came; wait until it is 7, or say its reason',
  ])
  const urgent = { ...young, reason: 'closes a hole' }
  expect(releaseFaults(['a@1.0.0'], { before: [], releases: { 'a@1.0.0': urgent } })).toEqual([])
})

it('names what nobody recorded, and what is recorded and gone', () => {
  const record = { before: ['gone@1.0.0'], releases: { 'b@1.0.0': day('sometime', '2026-01-07') } }
  expect(releaseFaults(['a@1.0.0', 'b@1.0.0'], record)).toEqual([
    'a@1.0.0: run npm run releases, which records its publication',
    'gone@1.0.0: is not locked any more; run npm run releases',
    'b@1.0.0: says no days of publication and coming',
  ])
})
