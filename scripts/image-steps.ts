import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, delimiter, dirname, join, matchesGlob, relative } from 'node:path'

/** One instruction of a Dockerfile, on one line. */
interface Instruction {
  readonly name: string
  readonly rest: string
}

/** A stage, in its order; without a name the last. */
export interface Stage {
  readonly name: string
  readonly steps: readonly Instruction[]
}

/** The stages of a Dockerfile: comments left out, continued lines joined. */
export const stagesOf = (text: string): Stage[] => {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter(Boolean)
  const stages: { name: string; steps: Instruction[] }[] = []
  for (const line of lines) {
    const [name = '', rest = ''] = line.split(/ (.*)/)
    if (name === 'FROM') stages.push({ name: / AS (\w+)$/.exec(rest)?.[1] ?? 'last', steps: [] })
    else stages.at(-1)?.steps.push({ name, rest })
  }
  return stages
}

/** Where and how a built image starts: paths are those of the folder that stands for its root. */
export interface BuiltImage {
  readonly folder: string
  readonly workingDirectory: string
  readonly environment: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
}

/** What a stage takes from another is not changed any more: links to the same files do, and take no time. */
const link = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true })
  execFileSync('cp', ['-al', `${from}/.`, to])
}

/** What the steps are carried out on. */
export interface Ground {
  /** The checkout that is copied from. */
  readonly root: string
  /** Holds a folder per stage, which stands for its `/`. */
  readonly folder: string
  /** Run in place of a step that changes owners. */
  readonly owner: { readonly uid: number; readonly gid: number } | null
}

/**
 * Carries out the COPY and RUN steps of the stages, as they stand, in folders that stand for the root of each; no engine, no base
 * image: programs are those of this machine. Stages that are `given` are laid out already.
 */
export const carryOut = (
  stages: readonly Stage[],
  { root, folder, owner }: Ground,
  given: readonly string[],
): BuiltImage => {
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').filter(Boolean)
  const isIgnored = (path: string): boolean =>
    ignored.some((pattern) => matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`))
  const tools = join(folder, 'tools')
  mkdirSync(tools, { recursive: true })
  const chown = owner ? `exec /bin/chown ${owner.uid}:${owner.gid} "$2"` : 'exit 0'
  writeFileSync(join(tools, 'chown'), `#!/bin/sh\n${chown}\n`)
  chmodSync(join(tools, 'chown'), 0o755)
  const path = [tools, dirname(process.execPath), process.env['PATH']].join(delimiter)

  let image: BuiltImage | undefined
  for (const { name, steps } of stages.filter((stage) => !given.includes(stage.name))) {
    const own = join(folder, name)
    mkdirSync(own, { recursive: true })
    const placed = (text: string): string => text.replace(/(?<![\w.*:/])\/(?=build|app|data)/g, `${own}/`)
    const environment: Record<string, string> = {}
    const lists: Record<string, string[]> = {}
    let directory = own
    for (const { name: step, rest } of steps) {
      if (step === 'WORKDIR') {
        directory = placed(rest)
        mkdirSync(directory, { recursive: true })
      } else if (step === 'RUN') {
        execFileSync('sh', ['-c', placed(rest)], {
          cwd: directory,
          stdio: 'pipe',
          env: { HOME: process.env['HOME'], PATH: path, npm_config_prefer_offline: 'true' },
        })
      } else if (step === 'COPY') {
        const [, stage, words = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(rest) ?? []
        const names = words.split(' ')
        const target = join(directory, names.pop() ?? '')
        const base = stage === undefined ? root : join(folder, stage)
        for (const name of names.flatMap((one) =>
          one === '.' ? [''] : globSync(one.replace(/^\//, ''), { cwd: base }),
        )) {
          const from = join(base, name)
          const to = statSync(from).isDirectory() ? target : join(target, basename(name))
          if (stage === undefined)
            cpSync(from, to, { recursive: true, filter: (file) => !isIgnored(relative(root, file)) })
          else link(from, to)
        }
      } else if (step === 'ENV')
        for (const [, variable = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g)) environment[variable] = placed(value)
      else if (/^(?:ENTRYPOINT|CMD|HEALTHCHECK)$/.test(step))
        lists[step] = (JSON.parse(rest.slice(rest.indexOf('["'))) as string[]).map((word) =>
          step === 'HEALTHCHECK' ? word : placed(word),
        )
    }
    image = {
      folder: own,
      workingDirectory: directory,
      environment,
      entrypoint: lists['ENTRYPOINT'] ?? [],
      command: lists['CMD'] ?? [],
      healthcheck: lists['HEALTHCHECK'] ?? [],
    }
  }
  if (!image || !existsSync(image.workingDirectory)) throw new Error('the Dockerfile builds nothing')
  return image
}
