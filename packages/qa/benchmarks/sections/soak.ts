import { join } from 'node:path'
import { Pool } from 'undici'
import type { Bench } from '../bench-table.ts'
import { startGateway } from '../gateway.ts'
import { openInspector } from '../inspector.ts'
import { residentKiB } from '../processes.ts'

const CONCURRENCY = 32
/** The heap is read so often over the run. */
const READINGS = 20
/** What is still being compiled and cached in the first tenth is no leak. */
const SETTLED_SHARE = 0.1
/** Targets that fail are many, so that no circuit leaves them alone for long. */
const FAILING = 40

const answering = 'gpt-4o-mini'
const streaming = 'gpt-4o-mini;parts=5'
const left = 'gpt-4o-mini;parts=50;part-delay=20'
const failing = (number: number) => `gpt-4o-mini-${number % FAILING};status=500`

/** 10 % leave in the middle of a stream, 5 % meet a failing provider, the rest are streams and whole answers. */
const kindOf = (number: number): 'left' | 'failing' | 'stream' | 'whole' => {
  const place = number % 20
  if (place < 2) return 'left'
  if (place === 2) return 'failing'
  return place < 12 ? 'stream' : 'whole'
}

const callOnce = (pool: Pool, key: string, number: number): Promise<void> =>
  new Promise((resolve) => {
    const kind = kindOf(number)
    const model = { left, failing: failing(number), stream: streaming, whole: answering }[kind]
    const body = JSON.stringify({
      model: `up/${model}`,
      stream: kind === 'left' || kind === 'stream',
      messages: [{ role: 'user', content: `Say something about number ${number % 1_000}.` }],
    })
    pool.dispatch(
      {
        method: 'POST',
        path: '/v1/chat/completions',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${key}`,
          'x-headgate-user': `u${number % 500}`,
        },
        body,
      },
      {
        onRequestStart: () => {},
        onResponseStart: () => {},
        onResponseData: (controller) => {
          if (kind !== 'left') return
          controller.abort(new Error('left'))
          resolve()
        },
        onResponseEnd: () => resolve(),
        onResponseError: () => resolve(),
      },
    )
  })

/** The slope of the least squares, of what is read by what was asked. */
const slopeOf = (points: readonly { readonly requests: number; readonly bytes: number }[]): number => {
  const mean = (pick: (point: (typeof points)[number]) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length
  const requests = mean((point) => point.requests)
  const bytes = mean((point) => point.bytes)
  const rise = points.reduce((sum, point) => sum + (point.requests - requests) * (point.bytes - bytes), 0)
  return rise / points.reduce((sum, point) => sum + (point.requests - requests) ** 2, 0)
}

/** Whether a million calls of all kinds leave something behind: the heap after a collection, read over the run. */
export const soak = async (bench: Bench): Promise<void> => {
  const { report, requests, upstreamUrl } = bench
  const gateway = await startGateway({
    folder: join(bench.folder, 'soak'),
    upstreamUrl,
    models: [answering, streaming, left, ...Array.from({ length: FAILING }, (_, number) => failing(number))],
    nodeFlags: ['--inspect=127.0.0.1:0'],
  })
  try {
    const key = await gateway.makeKey()
    const inspector = await openInspector(gateway.output())
    const pool = new Pool(gateway.url, { connections: CONCURRENCY, pipelining: 1 })
    const readings: { requests: number; bytes: number; residentKiB: number }[] = []
    const begun = performance.now()
    let made = 0
    for (let reading = 1; reading <= READINGS; reading++) {
      const until = Math.round((requests * reading) / READINGS)
      const walk = async () => {
        while (made < until) await callOnce(pool, key, made++)
      }
      await Promise.all(Array.from({ length: CONCURRENCY }, walk))
      // Rows on their way to PostgreSQL are no leak.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      readings.push({
        requests: made,
        bytes: await inspector.heapAfterCollection(),
        residentKiB: residentKiB(gateway.pid),
      })
    }
    const seconds = (performance.now() - begun) / 1000
    inspector.close()
    await pool.destroy()
    const settled = readings.filter((reading) => reading.requests > requests * SETTLED_SHARE)
    const [first, last] = [settled[0] as (typeof settled)[number], settled.at(-1) as (typeof settled)[number]]
    report('soak: requests', made, 0, '')
    report('soak: requests per second', made / seconds, 0, '/s')
    report('soak: heap after the first tenth', first.bytes / 2 ** 20, 2, ' MiB')
    report('soak: heap in the end', last.bytes / 2 ** 20, 2, ' MiB')
    report('soak: slope of the heap', slopeOf(settled), 2, ' B/request', { most: 5 })
    report(
      'soak: resident memory, growth',
      ((last.residentKiB - first.residentKiB) * 100) / first.residentKiB,
      1,
      ' %',
      {
        most: 10,
      },
    )
    const rows = await gateway.drainedRows()
    report('soak: requests without a row', made - rows, 0, '', { most: 0 })
  } finally {
    await gateway.stop()
  }
}
