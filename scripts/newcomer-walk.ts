// The walk of a newcomer, from nothing: clone, two commands, first call, first stream, the request seen with its stages, an
// error and its page, a sample in each language that this machine has. Fails at the first step that does not hold.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-newcomer-'))
const clone = join(folder, 'headgate')
const begun = performance.now()
let server: ChildProcess | null = null

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const step = async <T>(name: string, work: () => Promise<T> | T): Promise<T> => {
  const from = performance.now()
  const result = await work()
  console.log(`ok    ${name.padEnd(58)} ${((performance.now() - from) / 1000).toFixed(1).padStart(6)} s`)
  return result
}

const must = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new Error(otherwise)
}

const run = (command: string, words: readonly string[], environment: Record<string, string> = {}): string =>
  execFileSync(command, words, {
    cwd: clone,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
    maxBuffer: 64 * 2 ** 20,
  }).toString()

/** Whether a program is there, by asking it for its version. */
const has = (program: string, ...words: string[]): boolean => {
  try {
    execFileSync(program, words, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const start = async (environment: Record<string, string>): Promise<string> => {
  let output = ''
  const child = spawn('npm', ['start'], { cwd: clone, env: { ...process.env, ...environment }, detached: true })
  server = child
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  for (let tries = 0; !output.includes('"message":"Headgate is ready"'); tries++) {
    if (child.exitCode !== null || tries > 1200) throw new Error(`npm start did not get ready:\n${output}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  return output
}

const languages: readonly { readonly name: string; readonly file: string; readonly command: readonly string[] }[] = [
  { name: 'curl', file: 'curl.sh', command: ['sh'] },
  { name: 'TypeScript', file: 'node.ts', command: [join(clone, 'node_modules/.bin/node')] },
  { name: 'Python', file: 'python.py', command: ['python3'] },
  { name: 'PHP', file: 'php.php', command: ['php'] },
  { name: 'Ruby', file: 'ruby.rb', command: ['ruby'] },
  { name: 'Go', file: 'go.go', command: ['go', 'run'] },
]
const versionOf = (program: string): readonly string[] => (program === 'go' ? ['version'] : ['--version'])

const walk = async (): Promise<void> => {
  await step('git clone', () => execFileSync('git', ['clone', '--quiet', root, clone], { stdio: 'inherit' }))
  // What Debian programs the tests have fetched may serve the samples here, too.
  if (existsSync(join(root, '.cache'))) cpSync(join(root, '.cache'), join(clone, '.cache'), { recursive: true })
  await step('npm ci', () => run('npm', ['ci']))
  const port = String(await freePort())
  const printed = await step('npm start, until it is ready', () => start({ HEADGATE_PORT: port }))
  const url = `http://127.0.0.1:${port}`
  const key = /hg_sk_[A-Za-z0-9]+/.exec(printed)?.[0] ?? ''
  const adminKey = /Admin key {2}(\S+)/.exec(printed)?.[1] ?? ''
  const line = /^\s+(curl .*)$/m.exec(printed)?.[1] ?? ''
  must(key !== '' && adminKey !== '' && line !== '', 'the keys and the first call were not printed')

  await step('the first call, as printed', () =>
    must(run('sh', ['-c', line]).includes('"chat.completion"'), 'the printed line did not answer'),
  )
  await step('the first stream', () => {
    const streamed = run('sh', ['-c', `${line.replace('"model": "demo"', '"model": "demo", "stream": true')} -N`])
    must(streamed.includes('chat.completion.chunk') && streamed.trimEnd().endsWith('data: [DONE]'), 'no whole stream')
  })
  const operator = { authorization: `Bearer ${adminKey}` }
  const refused = await step('a call with a mistyped model', async () => {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demmo', messages: [{ role: 'user', content: 'Hello' }] }),
    })
    must(answer.status === 404, `answered ${answer.status}`)
    const body = (await answer.json()) as { title: string; error: { doc_url: string } }
    return { id: answer.headers.get('x-request-id') ?? '', title: body.title, page: body.error.doc_url }
  })
  await step('the page of its error', async () => {
    const page = await fetch(refused.page)
    must(page.status === 200 && (await page.text()).includes(refused.title), `${refused.page} is not its page`)
  })
  await step('the request seen by the operator, with its stages', async () => {
    for (let tries = 0; ; tries++) {
      const answer = await fetch(`${url}/admin/v1/requests/${refused.id}`, { headers: operator })
      if (answer.status === 200) {
        const { stages } = (await answer.json()) as { stages: unknown[] }
        must(stages.length > 0, 'it has no stages')
        return
      }
      must(tries < 100, `answered ${answer.status}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })
  await step('the documentation', async () => {
    const page = await fetch(`${url}/docs/`)
    must(page.status === 200 && (await page.text()).includes('Headgate'), `answered ${page.status}`)
  })
  for (const { name, file, command } of languages) {
    const [program = '', ...words] = command
    if (!has(program, ...versionOf(program)) && program !== 'sh') {
      console.log(`--    a sample in ${name}: ${program} is not on this machine`)
      continue
    }
    await step(`a sample in ${name}`, () => {
      const told = run(program, [...words, join(clone, 'docs/samples/chat', file)], {
        HEADGATE_URL: url,
        HEADGATE_API_KEY: key,
      })
      must(told.includes('simulated'), `it printed: ${told}`)
    })
  }
  await step('Ctrl-C', async () => {
    const child = server as ChildProcess
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    process.kill(-(child.pid as number), 'SIGINT')
    must((await ended) === 0, 'npm start did not exit 0')
    server = null
  })
}

try {
  await walk()
  console.log(`A newcomer is there after ${((performance.now() - begun) / 1000).toFixed(0)} s.`)
} catch (fault) {
  console.log(`fail  ${fault instanceof Error ? fault.message : String(fault)}`)
  process.exitCode = 1
} finally {
  const { pid } = (server ?? {}) as { pid?: number }
  if (pid !== undefined) process.kill(-pid, 'SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}
