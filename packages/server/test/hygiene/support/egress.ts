import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { locateProgram } from '../../support/debian-binaries.ts'

const run = promisify(execFile)

/** What a program came to, and what it sent to others than this machine. */
export interface Egress {
  readonly stdout: string
  /** How it was watched. */
  readonly by: 'namespace' | 'system calls'
  /** Packets that left, or addresses that were connected or sent to. */
  readonly left: number
}

/** The one way out of the namespace: a pair of interfaces whose far end nobody reads, and a neighbour that everything goes to. */
const laidOut = (ip: string): string =>
  [
    'set -e',
    `"${ip}" link set lo up`,
    `"${ip}" link add out type veth peer name nobody`,
    'for one in out nobody; do echo 1 > /proc/sys/net/ipv6/conf/$one/disable_ipv6 2>/dev/null || true; done',
    `"${ip}" addr add 198.51.100.2/24 dev out`,
    `"${ip}" link set nobody up`,
    `"${ip}" link set out up`,
    `"${ip}" neigh add 198.51.100.1 lladdr 02:00:00:00:00:01 dev out`,
    `"${ip}" route add default via 198.51.100.1`,
    'sent() { grep "^ *out:" /proc/net/dev | tr -s " :" " " | cut -d " " -f 12; }',
    'before=$(sent)',
    'status=0; "$@" || status=$?',
    'echo; echo "left $(( $(sent) - before ))"',
    'exit $status',
  ].join('\n')

const inNamespace = async (command: readonly string[]): Promise<Egress | null> => {
  const located = await locateProgram({ programs: ['ip'], packages: ['iproute2'] })
  for (const flags of [['-n'], ['-Urn']]) {
    const script = ['sh', '-c', laidOut(located.program), 'sh']
    const possible = await run('unshare', [...flags, ...script, 'true']).catch(() => null)
    if (!possible) continue
    const { stdout } = await run('unshare', [...flags, ...script, ...command], { maxBuffer: 2 ** 26 })
    const [text = '', left = ''] = stdout.split('\nleft ')
    return { stdout: text, by: 'namespace', left: Number(left) }
  }
  return null
}

/** Addresses in the calls that `strace` saw: not those of this machine, nor the probe for a way that sends nothing (port 0). */
const foreignCalls = (trace: string): number =>
  trace
    .split('\n')
    .filter((line) => /sa_family=AF_INET6?,/.test(line))
    .filter((line) => !/inet_addr\("127\.|"::1"|"::ffff:127\.|sin6?_port=htons\(0\)/.test(line)).length

const underStrace = async (command: readonly string[], folder: string): Promise<Egress> => {
  const { program } = await locateProgram({ programs: ['strace'], packages: ['strace'] })
  const file = join(folder, 'trace')
  const calls = 'trace=connect,sendto,sendmsg,sendmmsg'
  const { stdout } = await run(program, ['-f', '-qq', '-e', calls, '-o', file, ...command], { maxBuffer: 2 ** 26 })
  return { stdout, by: 'system calls', left: foreignCalls(await readFile(file, 'utf8')) }
}

/**
 * Runs a command and counts what leaves: in a network namespace whose one way out is counted, else by its system calls.
 * @throws when neither can be had: it is never left out.
 */
export const watchEgress = async (command: readonly string[], folder: string, by?: Egress['by']): Promise<Egress> =>
  (by === 'system calls' ? null : await inNamespace(command)) ?? underStrace(command, folder)
