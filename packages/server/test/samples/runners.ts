import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type LocatedProgram, locateProgram } from '../support/debian-binaries.ts'

export const samplesFolder = fileURLToPath(new URL('../../../../docs/samples', import.meta.url))

/** How to start a sample. */
interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Makes the command for a sample, by the folder of its task. */
export type Runner = (folder: string) => Command

const sample = (folder: string, file: string): string => join(samplesFolder, folder, file)

const shell = async (): Promise<Runner> => {
  const jq = await locateProgram({ programs: ['jq'], packages: ['jq'] })
  // curl is on every machine that has fetched anything; an unpacked jq brings its own path and libraries.
  const curl = await locateProgram({ programs: ['curl'], packages: ['curl'] })
  const environment = { ...curl.environment, ...jq.environment }
  return (folder) => ({ program: 'sh', args: [sample(folder, 'curl.sh')], environment })
}

const node = async (): Promise<Runner> => (folder) => ({
  program: process.execPath,
  args: [sample(folder, 'node.ts')],
  environment: {},
})

/** Python with its tools, which are modules of the machine’s or of an unpacked Python. */
export const locatePython = async (): Promise<LocatedProgram> => {
  const tools = await locateProgram({
    programs: ['black'],
    packages: ['black', 'pylint', 'python3-pytest', 'python3'],
    probe: ['--version'],
  })
  const unpacked = tools.root && join(tools.root, 'usr/bin/python3')
  const program = ['/usr/bin/python3', unpacked].find((path) => path && existsSync(path)) ?? 'python3'
  return {
    program,
    environment: {
      ...tools.environment,
      ...(tools.root && { PYTHONPATH: join(tools.root, 'usr/lib/python3/dist-packages') }),
      ...(program === unpacked && { PYTHONHOME: join(tools.root as string, 'usr') }),
      PYTHONDONTWRITEBYTECODE: '1',
    },
  }
}

const python = async (): Promise<Runner> => {
  const { program, environment } = await locatePython()
  const options = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', join(samplesFolder, 'test_samples.py')]
  // The expectation is pytest’s to compare: what it prints is not the sample’s.
  return (folder) => ({ program, args: [...options, '-k', `test_sample[${folder}]`], environment })
}

/** Finds what runs a sample of each language, by its file. */
export const runners: Readonly<Record<string, () => Promise<Runner>>> = {
  'curl.sh': shell,
  'node.ts': node,
  'python.py': python,
}
