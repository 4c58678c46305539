import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { until } from './faults/support/load.ts'
import { type LocatedProgram, locateProgram } from './support/debian-binaries.ts'
import { type House, startHouse } from './support/house.ts'
import { type Receiver, startReceiver } from './support/receivers.ts'
import { freePort, temporaryDirectory } from './support/services.ts'

const run = promisify(execFile)
const TOOLS_MS = 180_000

let house: House
let folder: string
let rules: string
let promtool: LocatedProgram
const running: ChildProcess[] = []

beforeAll(async () => {
  promtool = await locateProgram({ programs: ['promtool'], packages: ['prometheus'] })
  house = await startHouse({
    config: {
      objectives: {
        quick: { measure: 'duration', within_ms: 700, target_percent: 95 },
        begun: { measure: 'first_byte', within_ms: 2_000, target_percent: 95 },
        providers: { measure: 'upstream_errors', route: '/v1/chat/completions', target_percent: 99 },
      },
      alerts: {
        failing: { watch: 'error_percent', above: 20, for_minutes: 1, least_requests: 5, severity: 'page' },
        'no-keys': { watch: 'errors_per_minute', above: 3, code: 'invalid_api_key' },
        busy: { watch: 'requests_per_minute', above: 1000, route: '/v1/embeddings' },
        slow: { watch: 'p95_ms', above: 2000 },
        'provider-down': { watch: 'error_percent', provider: 'up', above: 50 },
        'provider-slow': { watch: 'p95_ms', provider: 'up', above: 50 },
      },
    },
  })
  folder = await temporaryDirectory('prometheus')
  rules = join(folder, 'headgate.rules.yaml')
  const response = await house.request('/admin/v1/alerts/prometheus-rules')
  if (!response.ok) throw new Error(await response.text())
  await writeFile(rules, await response.text())
}, TOOLS_MS)
afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  await house.stop()
})

const tool = async (...words: string[]): Promise<string> => {
  const { stdout, stderr } = await run(promtool.program, words, {
    env: { ...process.env, ...promtool.environment },
    cwd: folder,
  }).catch((cause: { stdout: string; stderr: string }) => {
    throw new Error(`${cause.stdout}\n${cause.stderr}`)
  })
  return stdout + stderr
}

/** A series that grows by `each` a minute. */
const grows = (series: string, each: number) => ({ series, values: `0+${each}x400` })

describe('the rule file', () => {
  it('is in order, and has every objective and rule that the metrics can tell', async () => {
    // Four objectives of three burn rates, and five of the six rules.
    expect(await tool('check', 'rules', rules)).toContain('SUCCESS: 17 rules found')
  })

  it('fires for what breaks an objective or a rule, and for nothing else', async () => {
    const chat = 'route="/v1/chat/completions"'
    const test = {
      rule_files: [rules],
      evaluation_interval: '1m',
      tests: [
        {
          name: 'own errors and late answers',
          interval: '1m',
          input_series: [
            grows(`headgate_requests_total{${chat},status="200"}`, 90),
            grows(`headgate_requests_total{${chat},status="500"}`, 10),
            grows('headgate_requests_total{route="/livez",status="200"}', 10_000),
            grows(`headgate_errors_total{${chat},code="internal_error"}`, 10),
            grows(`headgate_request_duration_seconds_bucket{${chat},le="0.5"}`, 50),
            grows(`headgate_request_duration_seconds_bucket{${chat},le="1"}`, 100),
            grows(`headgate_request_duration_seconds_bucket{${chat},le="+Inf"}`, 100),
            grows(`headgate_request_duration_seconds_count{${chat}}`, 100),
          ],
          promql_expr_test: [
            // A tenth of errors burns 0.1 % a hundred times too fast; half of late answers burns 5 % ten times.
            ['availability', 3],
            ['quick', 2],
            ['providers', 0],
            ['begun', 0],
          ].map(([name, firing]) => ({
            expr: `count(ALERTS{alertstate="firing",objective="${String(name)}"}) or vector(0)`,
            eval_time: '6h30m',
            exp_samples: [{ labels: '{}', value: firing }],
          })),
        },
        {
          name: 'a provider that is down',
          interval: '1m',
          input_series: [
            grows(`headgate_requests_total{${chat},status="502"}`, 30),
            grows(`headgate_requests_total{${chat},status="200"}`, 10),
            grows(`headgate_errors_total{${chat},code="upstream_error"}`, 30),
            grows('headgate_upstream_attempts_total{provider="up",result="upstream_error"}', 60),
            grows('headgate_upstream_attempts_total{provider="up",result="ok"}', 10),
          ],
          promql_expr_test: [
            {
              expr: 'count by (rule) (ALERTS{alertstate="firing",rule!=""})',
              eval_time: '10m',
              exp_samples: ['failing', 'provider-down'].map((rule) => ({ labels: `{rule="${rule}"}`, value: 1 })),
            },
            {
              expr: 'count by (objective) (ALERTS{alertstate="firing",severity="page",objective!=""})',
              eval_time: '6h30m',
              exp_samples: [{ labels: '{objective="providers"}', value: 2 }],
            },
          ],
        },
        {
          name: 'callers without keys',
          interval: '1m',
          input_series: [
            grows(`headgate_requests_total{${chat},status="401"}`, 40),
            grows(`headgate_requests_total{${chat},status="200"}`, 400),
            grows(`headgate_errors_total{${chat},code="invalid_api_key"}`, 40),
          ],
          promql_expr_test: [
            {
              expr: 'count by (rule) (ALERTS{alertstate="firing"})',
              eval_time: '10m',
              exp_samples: [{ labels: '{rule="no-keys"}', value: 1 }],
            },
          ],
        },
      ],
    }
    await writeFile(join(folder, 'tests.yaml'), stringify(test))
    expect(await tool('test', 'rules', 'tests.yaml')).toContain('SUCCESS')
  })
})

describe('Prometheus and Alertmanager', () => {
  let receiver: Receiver
  afterAll(() => receiver.close())

  const begin = ({ program, environment }: LocatedProgram, words: readonly string[]): void => {
    running.push(spawn(program, words, { env: { ...process.env, ...environment }, cwd: folder, stdio: 'ignore' }))
  }
  /** Debian's reads its templates from /usr/share alone: unpacked elsewhere, it is shown them there in a mount namespace. */
  const inItsPlace = ({ program, environment, root }: LocatedProgram, words: readonly string[]) =>
    root === undefined
      ? begin({ program, environment }, words)
      : begin({ program: 'unshare', environment }, [
          '--map-root-user',
          '--mount',
          'sh',
          '-c',
          'mount -t overlay overlay -o lowerdir="$0/usr/share":/usr/share /usr/share && exec "$@"',
          root,
          program,
          ...words,
        ])

  it('tell of what really fails', { timeout: TOOLS_MS }, async () => {
    receiver = await startReceiver()
    const [port, manager] = [await freePort(), await freePort()]
    await writeFile(
      join(folder, 'prometheus.yaml'),
      stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [rules],
        scrape_configs: [{ job_name: 'headgate', static_configs: [{ targets: [new URL(house.url).host] }] }],
        alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${manager}`] }] }] },
      }),
    )
    await writeFile(
      join(folder, 'alertmanager.yaml'),
      stringify({
        route: { receiver: 'hook', group_wait: '1s', group_by: ['alertname'] },
        receivers: [{ name: 'hook', webhook_configs: [{ url: `${receiver.url}/alerts` }] }],
      }),
    )
    begin(await locateProgram({ programs: ['prometheus'], packages: ['prometheus'] }), [
      '--config.file=prometheus.yaml',
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    inItsPlace(
      await locateProgram({
        programs: ['prometheus-alertmanager'],
        packages: ['prometheus-alertmanager'],
      }),
      [
        '--config.file=alertmanager.yaml',
        `--storage.path=${join(folder, 'alertmanager')}`,
        `--web.listen-address=127.0.0.1:${manager}`,
        '--cluster.listen-address=',
      ],
    )
    const { key } = await house.makeKey()
    const call = (model: string) =>
      house
        .request('/v1/chat/completions', { key, body: { model, messages: [{ role: 'user', content: 'Hello' }] } })
        .then((response) => response.text())
    const alerts = () =>
      receiver.deliveries.flatMap(
        ({ body }) => (body as { alerts: { status: string; labels: Record<string, string> }[] }).alerts,
      )
    const failing = () => alerts().find(({ labels }) => labels['alertname'] === 'Headgate_rule_failing')
    // Prometheus counts what is added after it has seen a counter first; other rules may fire before.
    await until(
      'the alert arrives',
      async () => {
        await call('up/gpt-4o-mini')
        await call('up/gpt-4o-mini;status=500')
        return failing() !== undefined
      },
      TOOLS_MS,
    )
    expect(failing()).toMatchObject({ status: 'firing', labels: { severity: 'page', rule: 'failing' } })
  })
})
