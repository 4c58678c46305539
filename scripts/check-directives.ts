import { readSources, type Source } from './sources.ts'

const disabling = /(?:\/\/|\/\*)\s*((?:oxlint|eslint)-disable\S*|v8 ignore|c8 ignore|secretlint-disable\S*)(.*)/
const silencing = /(?:\/\/|\/\*)\s*(@ts-ignore|@ts-nocheck|biome-ignore)/
const expecting = /(?:\/\/|\/\*)\s*@ts-expect-error\s*(.*)/

/** A rule may be switched off for a line, with the reason after ` -- `. */
export const directiveFaults = (sources: Source[]): string[] =>
  sources.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const at = `${path}:${index + 1}`
      const disabled = disabling.exec(line)
      if (disabled && !/ -- \S/.test(disabled[2] ?? '')) return [`${at}: ${disabled[1]} needs its reason after " -- "`]
      if (silencing.test(line))
        return [`${at}: repair it; where a type is beyond repair use @ts-expect-error with a reason`]
      const expected = expecting.exec(line)
      if (expected && !/\w{3}/.test(expected[1] ?? '')) return [`${at}: @ts-expect-error needs a reason`]
      return []
    }),
  )

export const directiveProblems = (root: string): string[] =>
  directiveFaults([...readSources(root, 'packages'), ...readSources(root, 'scripts')])
