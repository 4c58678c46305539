import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { userInfo } from 'node:os'
import { locateProgram } from './debian-binaries.ts'
import { freePort, temporaryDirectory } from './services.ts'

/** A real clamd with one signature of its own. */
export interface Clamd {
  /** Host and port. */
  readonly address: string
  /** What it finds. */
  readonly pattern: string
  readonly stop: () => Promise<void>
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write('zPING\0'))
    socket.on('data', () => (socket.destroy(), resolve(true)))
    socket.on('error', () => resolve(false))
  })

/** Starts the machine’s clamd, else that of Debian’s package; it takes streams of `mostBytes`. */
export const startClamd = async (mostBytes: number): Promise<Clamd> => {
  const { program, environment } = await locateProgram({ programs: ['clamd'], packages: ['clamav-daemon'] })
  const [folder, port, pattern] = [await temporaryDirectory('clamd'), await freePort(), 'lantern-virus']
  const signatures = join(folder, 'signatures')
  await mkdir(signatures)
  await writeFile(join(signatures, 'test.ndb'), `Test.Lantern:0:*:${Buffer.from(pattern).toString('hex')}\n`)
  const settings = [
    ...[`TCPSocket ${port}`, 'TCPAddr 127.0.0.1', `DatabaseDirectory ${signatures}`, 'Foreground yes'],
    ...[`TemporaryDirectory ${folder}`, `User ${userInfo().username}`, `StreamMaxLength ${mostBytes}`],
  ]
  await writeFile(join(folder, 'clamd.conf'), `${settings.join('\n')}\n`)
  const child = spawn(program, ['-c', join(folder, 'clamd.conf')], {
    stdio: 'ignore',
    env: { ...process.env, ...environment },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  process.on('exit', () => child.kill('SIGKILL'))
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries > 300 || child.exitCode !== null) {
      child.kill('SIGKILL')
      throw new Error('clamd did not start')
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    address: `127.0.0.1:${port}`,
    pattern,
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
