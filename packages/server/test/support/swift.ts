import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, temporaryDirectory } from './services.ts'
import { signedHeaders } from '../../src/kernel/aws-signature.ts'

const run = promisify(execFile)
const kinds = ['account', 'container', 'object'] as const
const region = 'us-east-1'
const credentials = { accessKeyId: 'sea:sailor', secretAccessKey: 'lantern-of-the-bucket' }

/** Whether Debian’s packages of OpenStack Swift are there: swift-proxy, swift-account, swift-container, swift-object. */
export const hasSwift = [
  'swift-ring-builder',
  'swift-proxy-server',
  ...kinds.map((kind) => `swift-${kind}-server`),
].every((program) => existsSync(join('/usr/bin', program)))

/** A real server that speaks S3 (Swift with s3api), with an empty bucket. */
export interface SwiftService {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly credentials: typeof credentials
  /** Files of objects on its disk, without those that tell that something was erased. */
  readonly objects: () => Promise<string[]>
  /** Takes the proxy away, and waits for its end. */
  readonly pause: () => Promise<void>
  /** Brings the proxy back at the same port. */
  readonly goOn: () => Promise<void>
  readonly stop: () => Promise<void>
}

const storageConf = (kind: string, folder: string, port: number): string => `
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
devices = ${join(folder, 'disks')}
mount_check = false
disable_fallocate = true
log_level = ERROR
log_address = ${join(folder, 'no-log')}
[pipeline:main]
pipeline = healthcheck ${kind}-server
[filter:healthcheck]
use = egg:swift#healthcheck
[app:${kind}-server]
use = egg:swift#${kind}
`

// Without a memcached every question that it would answer is asked anew.
const proxyConf = (folder: string, port: number): string => `
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
log_level = ERROR
log_address = ${join(folder, 'no-log')}
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# A server that is still starting is asked again at once.
error_suppression_limit = 1000000
conn_timeout = 2
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
error_suppression_interval = 3600
error_suppression_limit = 0
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = ${region}
auth_pipeline_check = false
storage_domain =
[filter:tempauth]
use = egg:swift#tempauth
user_sea_sailor = ${credentials.secretAccessKey} .admin
`

// All rings by one process: a `swift-ring-builder` takes most of a second for each of its steps.
const ringScript = `
import sys
from swift.common.ring import RingBuilder
folder, *rest = sys.argv[1:]
for kind, port in zip(rest[::2], rest[1::2]):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'device': 'd1', 'weight': 1})
    builder.rebalance()
    builder.get_ring().save(folder + '/' + kind + '.ring.gz')
`

/** Starts it in a folder of its own, on loopback. */
export const startSwift = async (bucket = 'assets-of-the-sea'): Promise<SwiftService> => {
  const folder = await temporaryDirectory('swift')
  const ports = Object.fromEntries(await Promise.all(kinds.map(async (kind) => [kind, await freePort()] as const)))
  const proxyPort = await freePort()
  await mkdir(join(folder, 'disks', 'd1'), { recursive: true })
  await writeFile(
    join(folder, 'swift.conf'),
    '[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n[storage-policy:0]\nname = one\ndefault = yes\n',
  )
  const environment = { ...process.env, SWIFT_CONF: join(folder, 'swift.conf') }
  await run('/usr/bin/python3', ['-c', ringScript, folder, ...kinds.flatMap((kind) => [kind, String(ports[kind])])])
  for (const kind of kinds)
    await writeFile(join(folder, `${kind}.conf`), storageConf(kind, folder, ports[kind] as number))
  await writeFile(join(folder, 'proxy.conf'), proxyConf(folder, proxyPort))

  const until = Date.now() + 40_000
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50))
  const launch = (kind: string): ChildProcess =>
    spawn(`swift-${kind}-server`, [join(folder, `${kind}.conf`)], {
      env: environment,
      stdio: process.env['SWIFT_LOG'] ? 'inherit' : 'ignore',
    })
  const end = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve()
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    })
  const storage = kinds.map(launch)
  for (const kind of kinds)
    while (!(await fetch(`http://127.0.0.1:${ports[kind]}/healthcheck`).catch(() => null))?.ok && Date.now() < until)
      await pause()
  let proxy = launch('proxy')
  const endpoint = `http://127.0.0.1:${proxyPort}`
  const stop = async () => {
    await Promise.all([proxy, ...storage].map(end))
    await rm(folder, { recursive: true, force: true })
  }
  const ready = async (): Promise<void> => {
    const url = `${endpoint}/${bucket}`
    for (const last = Date.now() + 30_000; ; ) {
      const request = { method: 'PUT', url, headers: {}, body: '' }
      const headers = signedHeaders(request, credentials, region, 's3', Date.now())
      const answer = await fetch(url, { method: 'PUT', headers }).catch(() => null)
      // 409: it is there from before.
      if (answer?.status === 200 || answer?.status === 409) return
      if (Date.now() > last) {
        await stop()
        throw new Error(`Swift made no bucket: ${answer?.status} ${await answer?.text()}`)
      }
      await pause()
    }
  }
  await ready()
  return {
    endpoint,
    bucket,
    region,
    credentials,
    objects: async () =>
      (await readdir(join(folder, 'disks', 'd1'), { recursive: true })).filter((name) => name.endsWith('.data')),
    pause: () => end(proxy),
    goOn: async () => {
      proxy = launch('proxy')
      await ready()
    },
    stop,
  }
}
