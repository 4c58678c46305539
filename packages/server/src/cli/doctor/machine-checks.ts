import { X509Certificate } from 'node:crypto'
import { access, constants, readFile, stat, statfs } from 'node:fs/promises'
import { createServer, isIP } from 'node:net'
import { dirname, join } from 'node:path'
import type { Config } from '../../config/schema.ts'
import type { TlsFiles } from '../../config/tls-files.ts'
import { lockHolder } from '../../kernel/embedded-lock.ts'
import { type Finding, reasonOf } from './finding.ts'

const LEAST_NODE = [22, 19] as const
const MIB = 1_048_576
const FAULT_BYTES = 100 * MIB
const WARNING_BYTES = 1024 * MIB
const DAY_MS = 86_400_000
const SOON_DAYS = 14

/** Whether this Node.js can run Headgate. */
export const checkNode = (version: string): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])
  const check = 'node'
  if (fits) return { check, state: 'ok', message: `Node.js ${version}` }
  return {
    check,
    state: 'fault',
    message: `Node.js ${version} is too old; Headgate needs ${LEAST_NODE.join('.')} or newer.`,
    fix: 'Install a current Node.js, or start with npm in a checkout: npm ci brings one along on Linux.',
  }
}

const modeOf = async (path: string): Promise<number | null> =>
  stat(path).then(
    ({ mode }) => mode & 0o777,
    () => null,
  )

/** The nearest folder above that exists already. */
const standing = async (path: string): Promise<string> =>
  (await modeOf(path)) !== null || dirname(path) === path ? path : standing(dirname(path))

/** The data folder: can be written to, is closed to others, and by whom it is in use. */
export const checkFolder = async (folder: string): Promise<{ findings: Finding[]; inUse: boolean }> => {
  const at = await standing(folder)
  const page = 'guides/operations'
  try {
    await access(at, constants.W_OK | constants.X_OK)
  } catch (thrown) {
    const fix = `Give it to the user who runs Headgate, or name another one with --data-dir.`
    const message = `The data folder ${folder} cannot be written to: ${reasonOf(thrown)}.`
    return {
      findings: [{ check: 'folder', state: 'fault', message, fix, page, code: 'journal_unavailable' }],
      inUse: false,
    }
  }
  if (at !== folder)
    return {
      findings: [{ check: 'folder', state: 'ok', message: `${folder} will be made by the first start.` }],
      inUse: false,
    }
  const holder = await lockHolder(folder)
  const findings: Finding[] = [
    {
      check: 'folder',
      state: 'ok',
      message:
        holder === null
          ? `${folder} is free.`
          : `${folder} is in use by ${holder === undefined ? 'a process' : `process ${holder}`}.`,
    },
  ]
  const key = join(folder, 'root.key')
  const mode = await modeOf(key)
  if (mode !== null && process.platform !== 'win32' && (mode & 0o077) !== 0)
    findings.push({
      check: 'folder.root_key',
      state: 'fault',
      message: `${key} can be read by others.`,
      fix: `chmod 600 ${key}`,
      page,
    })
  return { findings, inUse: holder !== null }
}

/** Whether there is room for the journal and the embedded database. */
export const checkSpace = async (folder: string): Promise<Finding> => {
  const { bavail, bsize } = await statfs(await standing(folder))
  const free = bavail * bsize
  const message = `${Math.floor(free / MIB)} MiB are free where the data folder is.`
  const check = 'space'
  if (free >= WARNING_BYTES) return { check, state: 'ok', message }
  return {
    check,
    state: free < FAULT_BYTES ? 'fault' : 'warning',
    message,
    fix: 'Free space, or move the data folder; a full disk stops the journal, and with it calls that have a budget.',
    code: 'journal_unavailable',
  }
}

/** Whether the address can be listened on; a running Headgate of ours holds it rightly. */
export const checkPort = ({ host, port }: Config, ours: boolean): Promise<Finding> =>
  new Promise((resolve) => {
    const check = 'port'
    const server = createServer()
    server.once('error', (thrown: NodeJS.ErrnoException) => {
      const taken = thrown.code === 'EADDRINUSE'
      if (taken && ours)
        resolve({
          check,
          state: 'ok',
          message: `${host}:${port} is in use, by the Headgate on this data folder it seems.`,
        })
      else
        resolve({
          check,
          state: 'fault',
          message: taken
            ? `Another program listens on ${host}:${port}.`
            : `${host}:${port} cannot be listened on: ${reasonOf(thrown)}.`,
          fix: taken
            ? 'End that program, or choose another port: --port 8788, or --port 0 for a free one.'
            : 'Correct host and port.',
        })
    })
    server.listen(port, host, () =>
      server.close(() =>
        resolve({
          check,
          state: 'ok',
          message: port === 0 ? 'A free port will be taken.' : `${host}:${port} is free.`,
        }),
      ),
    )
  })

/** The certificate: how long it is good, whether for the public name, and whether its key is closed to others. */
export const checkTls = async ({ tls, public_url }: Config, files: TlsFiles, now: number): Promise<Finding[]> => {
  const check = 'tls'
  const days = Math.floor((files.endsAt - now) / DAY_MS)
  const findings: Finding[] = []
  if (days < 0) {
    const ended = new Date(files.endsAt).toISOString()
    findings.push({ check, state: 'fault', message: `The certificate ended on ${ended}.`, fix: 'Renew it.' })
  } else if (days < SOON_DAYS)
    findings.push({ check, state: 'warning', message: `The certificate ends in ${days} days.`, fix: 'Renew it.' })
  else findings.push({ check, state: 'ok', message: `The certificate is good for ${days} days.` })
  const name = public_url === undefined ? undefined : new URL(public_url).hostname
  const certificate = new X509Certificate(files.cert)
  const fits =
    name === undefined || (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined
  if (!fits)
    findings.push({
      check: 'tls.name',
      state: 'warning',
      message: `The certificate is not for ${name}.`,
      fix: 'Get one for the name in public_url.',
    })
  const key = tls?.key ?? ''
  const mode = await modeOf(key)
  if (mode !== null && process.platform !== 'win32' && (mode & 0o007) !== 0)
    findings.push({
      check: 'tls.key',
      state: 'warning',
      message: `${key} can be read by everyone.`,
      fix: `chmod 600 ${key}`,
    })
  return findings
}

/** Whether the keys that were made with the folder's own root key would still be recognised. */
export const checkRootKey = async ({ profile, data_dir }: Config, configured: string | null): Promise<Finding> => {
  const check = 'root_key'
  const made = await readFile(join(data_dir, 'root.key'), 'utf8').then(
    (text) => text.trim(),
    () => null,
  )
  if (configured !== null && made !== null && made !== configured)
    return {
      check,
      state: 'warning',
      message:
        'The configured root key is another one than the data folder was begun with: keys made with that one are not recognised.',
      fix: `If they are still in use: HEADGATE_ROOT_KEY="$(cat ${join(data_dir, 'root.key')})".`,
      code: 'invalid_api_key',
      page: 'guides/operations',
    }
  if (configured !== null) return { check, state: 'ok', message: 'The root key is configured.' }
  return {
    check,
    state: 'ok',
    message: `The root key ${made === null ? 'will be made' : 'is'} in the data folder (${profile}); back it up.`,
  }
}
