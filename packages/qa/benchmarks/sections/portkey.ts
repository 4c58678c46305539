import { execFile } from 'node:child_process'
import { copyFile, mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Bench } from '../bench-table.ts'
import { fiveLimits } from '../everything-on.ts'
import { startGateway } from '../gateway.ts'
import { type Call, openStreams, type Sample } from '../load.ts'
import { startProcess } from '../processes.ts'
import { addedTo, interleave, medianOf, perCall, perSecond, ratioOf, STEADY_ROUNDS, type Way } from '../rounds.ts'

const CALLS_PER_ROUND = 1_000
const CONCURRENCY = 8
const STREAMS_PER_ROUND = 40
const LEAVING = 20
/** An upstream call that is still open so long after its caller left was not ended for that. */
const LEFT_MS = 2_000
const model = 'gpt-4o-mini'
const shortStream = `${model};parts=10;part-delay=1`
const longStream = `${model};parts=200;part-delay=50`

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

/** Installs the pinned peer beside the other downloads of this repository; needs the registry the first time. */
const install = async (): Promise<string> => {
  const folder = here('../../../../.cache/peers/portkey')
  await mkdir(folder, { recursive: true })
  for (const file of ['package.json', 'package-lock.json'])
    await copyFile(here(`../peers/portkey/${file}`), join(folder, file))
  await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: folder,
  })
  return join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
}

/** How many of the streams whose callers left were ended at the upstream soon after, of a hundred. */
const endedShare = async (call: Call, upstreamUrl: string): Promise<number> => {
  await fetch(`${upstreamUrl}/__truth`, { method: 'DELETE' })
  const streams = await openStreams(call, LEAVING)
  await streams.close()
  await pause(LEFT_MS)
  const truth = (await (await fetch(`${upstreamUrl}/__truth`)).json()) as { aborted_at: number | null }[]
  return (truth.filter(({ aborted_at }) => aborted_at !== null).length * 100) / LEAVING
}

/** The open-source gateway that most is written of, with the same upstream and the same load; Headgate with everything on. */
export const portkey = async (bench: Bench): Promise<void> => {
  const { report, upstreamUrl } = bench
  const script = await install()
  const port = await freePort()
  const peer = await startProcess(script, ['--headless', `--port=${port}`], /Ready for connections/)
  const gateway = await startGateway({
    upstreamUrl,
    models: [model, shortStream, longStream],
    config: { limits: { policies: fiveLimits } },
    folder: join(bench.folder, 'portkey'),
  })
  try {
    const key = await gateway.makeKey()
    const ask = (name: string, stream: boolean) =>
      JSON.stringify({ model: name, stream, messages: [{ role: 'user', content: 'Say something about the sea.' }] })
    const waysFor = (name: string, stream: boolean) => {
      const body = ask(name, stream)
      return {
        direct: { pids: [], call: { origin: upstreamUrl, headers: {}, body } },
        peer: {
          pids: [peer.pid],
          call: {
            origin: `http://127.0.0.1:${port}`,
            headers: {
              authorization: 'Bearer x',
              'x-portkey-provider': 'openai',
              'x-portkey-custom-host': `${upstreamUrl}/v1`,
            },
            body,
          },
        },
        headgate: {
          pids: [gateway.pid],
          call: {
            origin: gateway.url,
            headers: { authorization: `Bearer ${key}`, 'x-headgate-user': 'bench' },
            body: ask(`up/${name}`, stream),
          },
        },
      } satisfies Record<string, Way>
    }
    const { peer: theirCalls, headgate: ourCalls } = waysFor(model, false)
    const whole = await interleave(
      { peer: theirCalls, headgate: ourCalls },
      CALLS_PER_ROUND,
      CONCURRENCY,
      STEADY_ROUNDS,
    )
    report('beside Portkey: its CPU per request', medianOf(whole.peer, perCall), 0, ' µs')
    report('beside Portkey: CPU per request, Headgate', medianOf(whole.headgate, perCall), 0, ' µs')
    report('beside Portkey: CPU per request, times less', ratioOf(whole.peer, whole.headgate, perCall), 2, ' ×', {
      least: 8,
    })
    report('beside Portkey: its calls per second', medianOf(whole.peer, perSecond), 0, '/s')
    report('beside Portkey: throughput, times more', ratioOf(whole.headgate, whole.peer, perSecond), 2, ' ×', {
      least: 7,
    })
    const streams = await interleave(waysFor(shortStream, true), STREAMS_PER_ROUND, 1)
    const firstByte = (sample: Sample) => sample.firstByteMs
    const theirs = addedTo(streams.direct, streams.peer, firstByte, 0.5)
    report('beside Portkey: its added first byte p50', theirs, 2, ' ms')
    const times = theirs / addedTo(streams.direct, streams.headgate, firstByte, 0.5)
    report('beside Portkey: added first byte, times less', times, 1, ' ×', { least: 20 })
    const leaving = waysFor(longStream, true)
    report(
      'beside Portkey: streams it ends when the caller leaves',
      await endedShare(leaving.peer.call, upstreamUrl),
      0,
      ' %',
    )
    report(
      'beside Portkey: streams Headgate ends then',
      await endedShare(leaving.headgate.call, upstreamUrl),
      0,
      ' %',
      { least: 100 },
    )
  } finally {
    await gateway.stop()
    await peer.stop()
  }
}
