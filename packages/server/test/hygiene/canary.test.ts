import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logLines } from '../faults/support/gateway-process.ts'
import { dumpDatabase } from '../faults/support/ledger-rows.ts'
import { until } from '../faults/support/load.ts'
import { canaries, leaksIn } from './support/canaries.ts'
import { openPlantedHouse, type PlantedHouse, withPassword } from './support/planted-house.ts'
import { badDatabase, badKeys, badProviders, badRequests, chat, prompt, slowRequest } from './support/walk.ts'

/** Codes that do not come here, and why. */
const notAsked = [
  // Are of commands, which have no route: anonymise/anonymise.test.ts.
  'anonymise_policy_invalid',
  'anonymise_input_invalid',
  'anonymise_out_of_reach',
  'anonymise_too_large',
  // Needs a broken disk, which faults/disk-full.test.ts has.
  'journal_unavailable',
  // Needs a key service that is away: config/key-sources.
  'encryption_root_unavailable',
  // Needs a key that is destroyed while its rows stand: memories/memories.test.ts.
  'content_erased',
  // Comes with a rotation: rotation.test.ts.
  'encryption_key_in_use',
  // Comes with a rotation: key-peppers.test.ts.
  'pepper_in_use',
  // Needs tables that were tampered with: audit.test.ts.
  'audit_broken',
  // Is written to the log only.
  'client_closed_request',
  // Comes with what people withdraw: privacy-consents.test.ts.
  'consent_missing',
  // Rules of addresses would refuse every call of this test.
  'address_denied',
  'country_denied',
  // Comes with limits of tokens, which no tier of this test has.
  'request_exceeds_limit',
  // Take a load that would keep everything else from being asked.
  'overloaded',
  'upstream_busy',
  // Come with streams that were kept, time, and Redis: resume.test.ts and features/streams.
  'stream_not_found',
  'stream_cancelled',
  'stream_abandoned',
  'stream_interrupted',
  'stream_too_long',
  'streams_unavailable',
  // Comes with rules of licences, which this house has none of: features/matrix.
  'licence_not_allowed',
  // Comes with a response in the background: tours/responses.test.ts.
  'response_in_progress',
  // Come with files and batches: files.test.ts.
  'file_not_found',
  'file_in_use',
  'file_quota_exceeded',
  'batch_not_found',
  'batch_ended',
  'batch_expired',
  'batch_cancelled',
  'batch_interrupted',
  // Come with sessions: conversations.test.ts.
  'session_not_found',
  'message_not_found',
  'session_changed',
  'session_busy',
  'sync_expired',
  'session_quota_exceeded',
  // Come with memories: memories/memories.test.ts.
  'memory_not_found',
  'memory_changed',
  'memory_quota_exceeded',
  'memory_extraction_not_found',
  'memory_extraction_unavailable',
  // Come with assets and uploads: assets.test.ts, uploads.test.ts.
  'asset_not_found',
  'upload_not_found',
  'asset_quota_exceeded',
  'upload_offset_mismatch',
  'upload_checksum_mismatch',
  'tus_version_unsupported',
  'asset_changed',
  'range_not_satisfiable',
  'length_required',
  'upload_incomplete',
  'asset_not_convertible',
  'asset_store_unavailable',
  'asset_images_unavailable',
  'asset_url_invalid',
  'asset_infected',
  'asset_scan_unavailable',
  // Come with issuers and projects that this house has none of: users/tokens.test.ts.
  'user_token_audience_wrong',
  'user_token_ambiguous',
  'user_token_algorithm_refused',
  'user_token_key_unknown',
  'user_token_signature_invalid',
  'user_token_expired',
  'user_token_not_yet_valid',
  'user_token_claim_invalid',
  'issuer_unavailable',
  // Come with proofs of work and with time: users/devices.test.ts.
  'device_token_expired',
  'device_proof_required',
  'device_proof_invalid',
  // Come with pictures for strangers and with policies: safety.test.ts, safety-pipeline.test.ts, safety-answers.test.ts.
  'content_refused',
  'content_not_judged',
  'answer_blocked',
  // Come with pictures named by address: ssrf/ssrf.test.ts.
  'url_refused',
  'url_unavailable',
  'url_content_refused',
  // Come with files that shall be signed: provenance.test.ts.
  'provenance_failed',
  'provenance_unavailable',
  // Come with the data of people: privacy.test.ts, privacy-requests.test.ts, privacy-holds.test.ts.
  'legal_hold_not_found',
  'breach_not_found',
  'privacy_request_not_found',
  'privacy_request_not_open',
  'export_not_ready',
  'export_link_invalid',
  'erasure_not_found',
  'person_missing',
  // Come with backups, on the command line: backups.test.ts.
  'backup_damaged',
  'backup_failed',
  'backup_key_wrong',
  'backup_not_found',
  'backup_running',
  'backup_unavailable',
  'restore_refused',
  'restore_time_out_of_reach',
  // Come with two requests of one name: idempotency.test.ts.
  'idempotency_key_invalid',
  'idempotency_key_reused',
  'idempotency_in_progress',
  'not_replayable',
  // Come with a secret for signed users: users/signed.test.ts.
  'user_signature_invalid',
  'user_signature_expired',
  // Come with looks into the process: diagnostics.test.ts.
  'diagnostics_busy',
  'diagnostics_disabled',
  'diagnostics_no_room',
  // Come with sessions of operators: isolation/roles.test.ts.
  'session_expired',
  'session_revoked',
  'permission_missing',
]
const program = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

let house: PlantedHouse

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())

beforeAll(async () => {
  house = await openPlantedHouse()
}, 120_000)
afterAll(() => house.close())

describe('planted secrets, prompts and addresses', () => {
  it('are sent through every error that can be raised', async () => {
    const { gateway, sinks, codes, send, hear, own, databaseUrl } = house
    const slow = slowRequest(house)
    await badKeys(house)
    await badProviders(house)
    await badRequests(house)
    await slow
    for (const path of ['/metrics', '/readyz', '/openapi.json', '/v1/models', '/v1/usage']) await send(path)
    for (const path of ['keys', 'providers', 'projects', 'usage', 'audit?limit=100'])
      await send(`/admin/v1/${path}`, undefined, { key: canaries.adminKey })
    await until('the ledger is written', async () => /up\/huge/.test(await dumpDatabase(databaseUrl)), 20_000)
    await badDatabase(house)
    const stream = fetch(gateway.url + chat, {
      method: 'POST',
      headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json' },
      body: JSON.stringify(prompt('demo', { stream: true })),
    }).then((answer) => hear('a drained stream', answer))
    gateway.signal('SIGTERM')
    await stream.catch(() => undefined)
    await send('/v1/models').catch(() => undefined)
    await gateway.ended
    sinks.push({ place: 'the log', text: gateway.output() })
    for (const line of logLines(gateway.output()))
      expect(JSON.parse(line), line).toMatchObject({
        level: expect.any(String) as string,
        message: expect.any(String) as string,
      })
    sinks.push({ place: 'the database', text: await dumpDatabase(databaseUrl) })
    for (const path of filesUnder(gateway.dataDirectory))
      sinks.push({ place: path, text: readFileSync(path, 'latin1') })
    const missing = Object.keys(errorCatalogue).filter((code) => !codes.has(code))
    expect(missing.sort()).toEqual([...notAsked, 'server_draining'].sort())
    expect(sinks.length).toBeGreaterThan(200)
  }, 180_000)

  it('go down with no crash, neither in its last words nor in a report', async () => {
    const { folder, sinks, start } = house
    await house.mend()
    for (const kind of ['exception', 'rejection']) {
      const report = join(folder, `${kind}.json`)
      const crashing = await start({ SABOTAGE_KIND: kind, SABOTAGE_REPORT: report })
      crashing.signal('SIGUSR2')
      expect(await crashing.ended).toBe(1)
      const lines = crashing.output().trimEnd().split('\n')
      const last = lines.find((line) => line.includes('nothing caught')) ?? ''
      expect(JSON.parse(last)).toMatchObject({ level: 'error', message: 'Ending: nothing caught an error' })
      expect(last).toContain('***')
      sinks.push({ place: `the output of the ${kind}`, text: crashing.output() })
      sinks.push({ place: `the report of the ${kind}`, text: readFileSync(report, 'utf8') })
      await crashing.kill()
    }
  }, 120_000)

  it('stand in no word about a configuration that is refused, and none of the command line', async () => {
    const { folder, sinks, databaseUrl, setting } = house
    const environment = {
      PATH: process.env['PATH'],
      HOME: folder,
      HEADGATE_DATA_DIR: join(folder, 'cli-data'),
      HEADGATE_DATABASE_URL: databaseUrl,
      ...setting(),
      NODE_OPTIONS: '',
    }
    const run = (words: string[], changes: Record<string, string> = {}, cwd = folder) =>
      new Promise<number>((resolve) => {
        execFile(
          process.execPath,
          [program, ...words],
          { cwd, timeout: 60_000, env: { ...environment, ...changes } },
          (error, ...texts) => {
            sinks.push({ place: `headgate ${words.join(' ')} ${Object.keys(changes).join()}`, text: texts.join('\n') })
            resolve(error ? Number(error.code ?? -1) : 0)
          },
        )
      })
    const bad: Record<string, string>[] = [
      { HEADGATE_ADMIN_KEY: canaries.query },
      { HEADGATE_ROOT_KEY: canaries.query },
      { HEADGATE_DATABASE_URL: `postgres//user:${canaries.databasePassword}@host` },
      { HEADGATE_DATABASE_URL: withPassword(databaseUrl, canaries.redisPassword) },
      { HEADGATE_DATABASE_URL: `postgres://headgate:${canaries.databasePassword}@127.0.0.1:1/headgate` },
      { HEADGATE_REDIS_URL: `http://:${canaries.redisPassword}@host` },
      { HEADGATE_PROVIDERS: `{"up": {"api_key": "${canaries.providerKey}", ` },
      {
        HEADGATE_PROVIDERS: JSON.stringify({
          up: { api_key: [canaries.providerKey], headers: canaries.providerHeader },
        }),
      },
      { HEADGATE_PROVIDERS: JSON.stringify({ up: { kind: 'openai', base_url: 'x', api_keys: canaries.providerKey } }) },
    ]
    for (const changes of bad) {
      expect(await run(['serve', '--port', '0'], changes), Object.keys(changes)[0]).not.toBe(0)
      await run(['config', 'check', '--json'], changes)
      await run(['config', 'explain'], changes)
    }
    const withFile = join(folder, 'with-file')
    await mkdir(withFile)
    await writeFile(
      join(withFile, 'headgate.yaml'),
      `admin_key: ${canaries.file}\nport: ${canaries.file}\nproviders: [ ${canaries.file}\n`,
    )
    await run(['config', 'check'], {}, withFile)
    await writeFile(
      join(withFile, 'headgate.yaml'),
      `admin_key: [${canaries.file}]\nroot_key: {a: ${canaries.file}}\nproviders: {up: {api_key: 1${canaries.file}, headers: {a b: ${canaries.file}}}}\n`,
    )
    await run(['config', 'check'], {}, withFile)
    for (const words of [
      ['config', 'explain', '--json'],
      ['providers', 'list'],
      ['providers', 'test', 'stored', '--json'],
      ['providers', 'test', 'up'],
      ['encryption', 'rotate'],
      ['keys', 'list', '--json'],
      ['ledger', 'verify'],
    ])
      await run(words)
  }, 300_000)

  it('are found nowhere', () => {
    const { sinks, apiKeys } = house
    expect(sinks.length).toBeGreaterThan(230)
    // Whoever makes a key is shown it once.
    const secrets = apiKeys.map((key) => key.slice(18))
    expect(leaksIn(sinks, secrets)).toEqual([])
  })
})
