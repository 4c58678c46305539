import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { composeProblems, deliveryProblems, dockerfileProblems, workflowProblems } from './check-delivery.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')

it('finds nothing wrong with what is shipped', async () => {
  expect(await deliveryProblems(root)).toEqual([])
})

describe('finds what is planted', () => {
  it.each([
    ['an unknown key', 'runs-on: ubuntu-24.04', 'run-on: ubuntu-24.04', /run-on|runs-on/],
    ['an unknown expression', 'github.ref }}', 'github.reff() }}', /Unexpected symbol/],
    ['a floating action', 'actions/checkout@v4', 'actions/checkout@main', /neither a version nor a commit/],
    ['a job without an end', '    timeout-minutes: 20\n', '', /timeout-minutes/],
  ])('%s in a workflow', async (_name, sound, planted, problem) => {
    const text = read('.github/workflows/ci.yaml')
    expect(text).toContain(sound)
    expect((await workflowProblems('ci.yaml', text.replace(sound, planted))).join('\n')).toMatch(problem)
  })

  it.each([
    ['a root user', 'USER node', 'USER root', /runs as root/],
    ['an image without version', 'FROM node:24-bookworm-slim\n', 'FROM node\n', /names no version/],
    ['an unknown instruction', 'EXPOSE 8787', 'EXPOS 8787', /EXPOS/],
  ])('%s in a Dockerfile', (_name, sound, planted, problem) => {
    const text = read('deploy/Dockerfile')
    expect(text).toContain(sound)
    expect(dockerfileProblems('Dockerfile', text.replace(sound, planted)).join('\n')).toMatch(problem)
  })

  it.each([
    ['a volume that is none', '- data:/data', '- date:/data', /date, which is no volume/],
    ['an unknown part', '\nvolumes:\n', '\nvolume:\n', /no top-level volume/],
  ])('%s in a compose file', (_name, sound, planted, problem) => {
    const text = read('deploy/compose/embedded.yaml')
    expect(text).toContain(sound)
    expect(composeProblems('embedded.yaml', text.replace(sound, planted)).join('\n')).toMatch(problem)
  })
})
