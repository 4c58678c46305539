import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { locateProgram } from './debian-binaries.ts'

/** A reverse proxy of the field in front of a house; it lets nobody at `/admin`. */
export interface FrontProxy {
  readonly name: string
  readonly url: string
  readonly stop: () => Promise<void>
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const nginxConfiguration = (folder: string, port: number, target: string): string => `
daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream house { server ${target}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    location /admin { return 403; }
    location / {
      proxy_pass http://house; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_request_buffering off; proxy_buffering off;
    }
  }
}
`

const haproxyConfiguration = (port: number, target: string): string => `
global
  maxconn 512
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend door
  bind 127.0.0.1:${port}
  http-request deny deny_status 403 if { path_beg /admin }
  default_backend house
backend house
  http-reuse always
  server house ${target}
`

const begin = async (
  name: 'nginx' | 'haproxy',
  configure: (folder: string, port: number) => { text: string; parameters: (file: string, folder: string) => string[] },
): Promise<FrontProxy> => {
  const { program, environment } = await locateProgram({ programs: [name], packages: [name] })
  const folder = await mkdtemp(join(tmpdir(), `headgate-${name}-`))
  await mkdir(join(folder, 'logs'))
  const port = await freePort()
  const { text, parameters } = configure(folder, port)
  const file = join(folder, `${name}.conf`)
  await writeFile(file, text)
  const child: ChildProcess = spawn(program, parameters(file, folder), {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${url}/livez`).catch(() => null)
    if (answer?.status === 200) return { name, url, stop }
    if (child.exitCode !== null || tries > 200) {
      await stop()
      throw new Error(`${name} does not answer: ${complaint}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Starts nginx in front of the server at `url`, with kept connections and unbuffered bodies. */
export const startNginx = (url: string): Promise<FrontProxy> =>
  begin('nginx', (folder, port) => ({
    text: nginxConfiguration(folder, port, new URL(url).host),
    parameters: (file) => ['-p', folder, '-c', file],
  }))

/** Starts HAProxy in front of the server at `url`, with connections shared among callers. */
export const startHaproxy = (url: string): Promise<FrontProxy> =>
  begin('haproxy', (_folder, port) => ({
    text: haproxyConfiguration(port, new URL(url).host),
    parameters: (file) => ['-db', '-f', file],
  }))
