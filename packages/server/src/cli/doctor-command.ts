import { randomBytes } from 'node:crypto'
import { Command } from 'commander'
import { settle } from '../config/config.ts'
import { printFault } from '../config/faults.ts'
import { gather } from '../config/gather.ts'
import { Secret } from '../config/secrets.ts'
import { addCommonOptions, flagsOf, outputOf } from './command-context.ts'
import { checkBucket } from './doctor/bucket-check.ts'
import type { Finding } from './doctor/finding.ts'
import { checkFolder, checkNode, checkPort, checkRootKey, checkSpace, checkTls } from './doctor/machine-checks.ts'
import { checkDatabase, checkRedis } from './doctor/store-checks.ts'
import { exitCode } from './exit-codes.ts'
import { type Output, writeJson } from './output.ts'
import { findRunningStore } from './running-store.ts'
import type { Flags } from './open-store.ts'

const marks: Readonly<Record<Finding['state'], string>> = { ok: 'ok', warning: 'warn', fault: 'FAULT', skipped: 'skip' }

const examine = async (flags: Flags, askProviders: boolean): Promise<Finding[]> => {
  const node = checkNode(process.versions.node)
  const gathered = await gather({ flags })
  if (gathered.faults.length > 0)
    return [
      node,
      ...gathered.faults.map(
        (fault): Finding => ({
          check: 'configuration',
          state: 'fault',
          message: printFault(fault),
          fix: fault.suggestion === undefined ? 'Correct it where it stands.' : `Write ${fault.suggestion}.`,
          page: 'guides/configuration',
        }),
      ),
      { check: 'rest', state: 'skipped', message: 'Everything else is looked at once the configuration is sound.' },
    ]
  // A start would make the root key that is missing; here a passing one stands in, for what is derived from it.
  const passing = new Secret(randomBytes(32).toString('base64'))
  const settings = await settle(gathered, () => Promise.resolve(passing))
  const { config, secrets, tls } = settings
  const rootKey = secrets.root_key === passing ? null : secrets.root_key.reveal()
  const folder = await checkFolder(config.data_dir)
  const url = secrets.database_url?.reveal()
  const redis = secrets.redis_url?.reveal()
  const running = url === undefined && folder.inUse ? await findRunningStore(config.data_dir) : null
  const connection = url === undefined ? running : { url }
  const databaseFindings = connection === null ? [] : await checkDatabase(connection)
  // The register is read where the store has this version’s tables, and the keys of this configuration open it.
  const isReadable =
    rootKey !== null && databaseFindings.length > 0 && databaseFindings.every(({ check }) => check === 'database')
  const findings = [
    node,
    {
      check: 'configuration',
      state: 'ok',
      message: `The configuration is sound (profile ${config.profile}).`,
    } as const,
    ...folder.findings,
    await checkSpace(config.data_dir),
    await checkRootKey(config, rootKey),
    await checkPort(config, folder.inUse),
    ...(tls === undefined ? [] : await checkTls(config, tls, Date.now())),
    ...(connection === null
      ? [{ check: 'database', state: 'ok', message: 'Headgate starts its own PostgreSQL in the data folder.' } as const]
      : databaseFindings),
    ...(connection !== null && isReadable
      ? await (await import('./doctor/key-check.ts')).checkKeys(settings, connection)
      : []),
    ...(redis === undefined
      ? [{ check: 'redis', state: 'ok', message: 'None is configured: limits are counted in the process.' } as const]
      : await checkRedis(redis)),
    ...(await (await import('./doctor/engine-checks.ts')).checkEngines(config)),
    ...(await checkBucket({ config, secrets })),
    ...(await (await import('./doctor/backup-check.ts')).checkBackups({ config, secrets }, rootKey, Date.now())),
  ]
  if (!askProviders) {
    const message = 'Not asked; --ask-providers asks each one whether it takes its key.'
    return [...findings, { check: 'providers', state: 'skipped', message }]
  }
  const { checkProviders } = await import('./doctor/provider-checks.ts')
  return [...findings, ...(await checkProviders(config, secrets))]
}

const print = (output: Output, findings: readonly Finding[]): void => {
  const lines = findings.flatMap(({ check, state, message, fix, code, page }) => {
    if (!output.terminal) return [[marks[state], check, message, fix ?? '-', code ?? '-'].join('\t')]
    const more = [
      ...(fix === undefined ? [] : [fix]),
      ...(code === undefined ? [] : [`/docs/errors/${code.replaceAll('_', '-')}`]),
      ...(page === undefined ? [] : [`/docs/${page}`]),
    ]
    return [
      `${marks[state].padEnd(6)} ${check.padEnd(18)} ${message}`,
      ...(state === 'ok' ? [] : more.map((line) => `${' '.repeat(26)}${line}`)),
    ]
  })
  process.stdout.write(`${lines.join('\n')}\n`)
}

const statusOf = (findings: readonly Finding[]): number => {
  const faults = findings.filter(({ state }) => state === 'fault')
  if (faults.length === 0) return exitCode.done
  if (faults.some(({ check }) => check === 'configuration')) return exitCode.configuration
  return faults.some(({ check }) => check === 'database') ? exitCode.unavailable : exitCode.failed
}

/** `headgate doctor`: looks for the common faults of an installation, says how to mend each, and mends nothing. */
export const doctorCommand = (): Command =>
  addCommonOptions(new Command('doctor'), 'all')
    .description('find common faults of this installation and say how to mend them; mends nothing')
    .option('--ask-providers', 'also ask each provider whether it takes its key')
    .action(async (given: Record<string, unknown>) => {
      const output = outputOf(given)
      const findings = await examine(flagsOf(given), given['askProviders'] === true)
      const ok = findings.every(({ state }) => state !== 'fault')
      if (output.json) writeJson({ ok, findings })
      else print(output, findings)
      if (!ok) process.exitCode = statusOf(findings)
    })
