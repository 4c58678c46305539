import { readFile, stat } from 'node:fs/promises'
import { Command } from 'commander'
import { formatOf } from '../features/provenance/file-format.ts'
import { listRoots } from '../features/provenance/provenance.store.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { withStore } from './open-store.ts'
import { writeRecord } from './output.ts'

type Given = Record<string, unknown>

/** A file is read whole. */
const mostBytes = 536_870_912

/** Roots of a file, PEM, or those of the configured store, making none, behind what trusts the operator's own certificate. */
const rootsOf = async (given: Given): Promise<string> => {
  if (typeof given['roots'] === 'string') return readFile(given['roots'], 'utf8')
  return withStore(storeFlagsOf(given), async ({ database, settings }) => {
    const rows = await database.read('system', listRoots)
    const roots = rows.flatMap(({ certificate, revoked_at: end }) => (end === null ? [certificate] : []))
    return [settings.signer?.anchor ?? '', ...roots].join('\n')
  })
}

/** What the origin of our own manifests says; nothing for others. */
const originOf = (manifest: Readonly<Record<string, unknown>> | null): Readonly<Record<string, unknown>> => {
  const assertions = (manifest?.['assertions'] ?? []) as readonly { readonly label: string; readonly data: object }[]
  return (assertions.find(({ label }) => label === 'org.headgate.origin')?.data ?? {}) as Record<string, unknown>
}

/** `headgate provenance verify`: whether a file carries a manifest that holds, under the roots of this Headgate or others. */
export const provenanceCommand = (): Command => {
  const provenance = new Command('provenance').description('where content came from')
  addCommonOptions(provenance.command('verify'), 'store')
    .description(
      'say whether a file is signed, by whom, and whether it was changed since; ends with 0 for `trusted` alone',
    )
    .argument('<file>', 'PNG, JPEG, WebP, WAV or MP3')
    .option('--roots <path>', 'trust the certificates of this file (PEM) instead of those of the store')
    .action(async (path: string, given: Given) => {
      const { size } = await stat(path)
      if (size > mostBytes) throw new Error(`${path} is larger than 512 MiB.`)
      const file = await readFile(path)
      const format = formatOf(file)
      const roots = await rootsOf(given)
      // The verifier holds tens of megabytes, and no other command needs it.
      const { verifyFile } = await import('../features/provenance/reference.ts')
      const found =
        format === null
          ? ({ verdict: 'unknown', format, failures: [], manifest: null } as const)
          : await verifyFile(format, new Uint8Array(file), roots)
      const origin = originOf(found.manifest)
      writeRecord(outputOf(given), { object: 'verification', ...found }, [
        ['verdict', found.verdict],
        ['format', format],
        ...(found.failures.length > 0 ? [['failures', found.failures.join(', ')] as const] : []),
        ...Object.entries(origin).map(([name, value]) => [name, String(value)] as const),
      ])
      if (found.verdict !== 'trusted') process.exitCode = exitCode.failed
    })
  return provenance
}
