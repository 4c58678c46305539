import { execFile, spawn } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  type LocatedProgram,
  environmentOf,
  hasApt,
  locateProgram,
  unpackPackages,
} from '../support/debian-binaries.ts'
import { startPages } from './pages.ts'
import type { Runner } from './runner.ts'

export const samplesFolder = fileURLToPath(new URL('../../../../docs/samples', import.meta.url))

const cache = fileURLToPath(new URL('../../../../.cache', import.meta.url))

/** How to start a sample. */
interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Starts each sample as a process of its own; what `input.txt` beside it holds is typed. */
const byCommand = (command: (file: string) => Command, stop = async () => {}): Runner => ({
  run: async (file, surroundings) => {
    const { program, args, environment } = command(file)
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...surroundings.environment, ...environment },
    })
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve)
    })
    const input = join(dirname(file), 'input.txt')
    child.stdin.on('error', () => {})
    child.stdin.end(existsSync(input) ? readFileSync(input) : '')
    const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { code, output, errors }
  },
  stop,
})

const shell = async (): Promise<Runner> => {
  const jq = await locateProgram({ programs: ['jq'], packages: ['jq'] })
  // curl is on every machine that has fetched anything; an unpacked jq brings its own path and libraries.
  const curl = await locateProgram({ programs: ['curl'], packages: ['curl'] })
  const environment = { ...curl.environment, ...jq.environment }
  return byCommand((file) => ({ program: 'sh', args: [file], environment }))
}

const node = async (): Promise<Runner> =>
  byCommand((file) => ({ program: process.execPath, args: [file], environment: {} }))

/** Python that knows black, pylint and pytest: the machine’s own, or with Debian’s packages of what it lacks. */
export const locatePython = async (): Promise<LocatedProgram> => {
  const complete = await promisify(execFile)('python3', ['-c', 'import black, pylint, pytest']).catch(() => null)
  if (complete) return { program: 'python3', environment: { PYTHONDONTWRITEBYTECODE: '1' } }
  const modules = 'usr/lib/python3/dist-packages'
  const root = await unpackPackages(['python3', 'black', 'pylint', 'python3-pytest'], async (files) =>
    existsSync(join(files, modules, 'black')),
  )
  // Modules of Debian belong to the Python of Debian, which need not be the first on the path.
  const installed = existsSync('/usr/bin/python3')
  return {
    program: installed ? '/usr/bin/python3' : join(root, 'usr/bin/python3'),
    environment: {
      ...(await environmentOf(root)),
      PYTHONPATH: join(root, modules),
      ...(!installed && { PYTHONHOME: join(root, 'usr') }),
      PYTHONDONTWRITEBYTECODE: '1',
    },
  }
}

const python = async (): Promise<Runner> => {
  const { program, environment } = await locatePython()
  const options = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider']
  return byCommand((file) => {
    const [root, task] = [dirname(dirname(file)), basename(dirname(file))]
    return { program, args: [...options, `${join(root, 'test_samples.py')}::test_sample[${task}]`], environment }
  })
}

/** Go and its tools; what is compiled once is kept in the ignored cache. */
export const locateGo = async (): Promise<LocatedProgram> => {
  const { root, ...go } = await locateProgram({ programs: ['go'], packages: ['golang-go'] })
  const [home] = root ? globSync(join(root, 'usr/lib/go-*')) : []
  return {
    program: home ? join(home, 'bin/go') : go.program,
    environment: {
      ...go.environment,
      ...(home && { GOROOT: home, PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}` }),
      GOCACHE: join(cache, 'go-build'),
      GO111MODULE: 'off',
    },
  }
}

const go = async (): Promise<Runner> => {
  const { program, environment } = await locateGo()
  // The first one compiles the standard library besides.
  const first = join(samplesFolder, 'chat/go.go')
  await promisify(execFile)(program, ['build', '-o', '/dev/null', first], { env: { ...process.env, ...environment } })
  return byCommand((file) => ({ program, args: ['run', file], environment }))
}

const php = async (): Promise<Runner> => {
  const { program, environment, root } = await locateProgram({
    programs: ['php'],
    packages: ['php-cli', 'php-curl'],
    probe: ['-r', 'exit(extension_loaded("curl") ? 0 : 1);'],
  })
  const extensions = root ? globSync(join(root, 'usr/lib/php/*/curl.so')) : []
  const options = extensions.flatMap((file) => ['-n', '-d', `extension=${file}`])
  return byCommand((file) => ({ program, args: [...options, file], environment }))
}

const ruby = async (): Promise<Runner> => {
  const { program, environment, root } = await locateProgram({ programs: ['ruby'], packages: ['ruby'] })
  const libraries = root
    ? globSync(['usr/lib/ruby/vendor_ruby', 'usr/lib/ruby/3*', 'usr/lib/*/ruby/3*'].map((path) => join(root, path)))
    : []
  const unpacked = root && { RUBYLIB: libraries.join(':') }
  return byCommand((file) => ({ program, args: ['-W', file], environment: { ...environment, ...unpacked } }))
}

/** Java’s compiler is not fetched, it is too large; what is there is used, with Gson from Debian’s package. */
const java = async (): Promise<Runner | null> => {
  const installed = await promisify(execFile)('javac', ['-version']).catch(() => null)
  if (!installed) return null
  const jar = 'usr/share/java/gson.jar'
  const root = await unpackPackages(['libgoogle-gson-java'], async (files) => existsSync(join(files, jar)))
  const options = [
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Dfile.encoding=UTF-8',
    '-Dstdout.encoding=UTF-8',
    '-cp',
    join(root, jar),
  ]
  // Most of a sample's time is the start of the compiler: its classes, once loaded, are mapped from there on.
  const classes = join(cache, `java-${process.pid}.jsa`)
  const first = join(samplesFolder, 'chat/Sample.java')
  const archiving = [`-XX:ArchiveClassesAtExit=${classes}`, ...options, first]
  const environment = { ...process.env, HEADGATE_URL: 'http://127.0.0.1:9', HEADGATE_API_KEY: '' }
  // It reaches nobody, and says so: what it loaded by then is what is wanted.
  await promisify(execFile)('java', archiving, { env: environment }).catch(() => null)
  const shared = existsSync(classes) ? [`-XX:SharedArchiveFile=${classes}`] : []
  return byCommand(
    (file) => ({ program: 'java', args: [...shared, ...options, file], environment: {} }),
    () => rm(classes, { force: true }),
  )
}

const runners: Readonly<Record<string, () => Promise<Runner | null>>> = {
  'curl.sh': shell,
  'node.ts': node,
  'browser.js': startPages,
  'python.py': python,
  'go.go': go,
  'php.php': php,
  'ruby.rb': ruby,
  'Sample.java': java,
}

/**
 * Finds what runs the samples of a language, by their file; null where it is not installed and cannot be fetched either,
 * which is never so on Debian and Ubuntu but for Java.
 */
export const runnerOf = async (file: string): Promise<Runner | null> => {
  const find = runners[file]
  if (!find) throw new Error(`nothing is known to run ${file}`)
  try {
    return await find()
  } catch (cause) {
    if (await hasApt()) throw cause
    return null
  }
}
