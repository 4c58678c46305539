import { access, rm, writeFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { createAnonymisation, looksFirst } from '../../features/anonymise/anonymise.ts'
import type { Format, FormatOptions } from '../../features/anonymise/formats.ts'
import { createLabel } from '../../features/anonymise/label.ts'
import type { Policy } from '../../features/anonymise/policy.ts'
import { systemClock } from '../../kernel/clock.ts'
import { findInText } from './detectors.ts'
import { type Input, openInput, openTarget } from './streams.ts'

const byEnding: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.sql': 'sql',
}

/** The format of an input: as it is said, or by the ending of its name. */
export const formatOf = (path: string, options: Readonly<Record<string, string | undefined>>): FormatOptions => {
  const ending = extname(path).toLowerCase()
  const format = (options['format'] ?? byEnding[ending]) as Format | undefined
  if (format === undefined) throw new Error('Say of what format the input is: --format csv, jsonl or sql.')
  const between = options['delimiter'] ?? ','
  if ([...between].length !== 1 || /["\r\n]/.test(between)) throw new Error('A delimiter is one character.')
  return {
    format,
    delimiter: between,
    table: options['table'] ?? (path === '-' ? 'stdin' : basename(path, extname(path))),
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** A label, as it is written beside an output. */
export type Label = ReturnType<typeof createLabel>

/**
 * Anonymises an input into an output, and writes the label beside it. Where something is wrong neither is left.
 * @throws what an anonymisation throws; an error where the output is there already.
 */
export const anonymiseInto = async (work: {
  readonly policy: Policy
  readonly format: FormatOptions
  readonly input: Input
  readonly output: string
  readonly labelPath: string | undefined
}): Promise<Label> => {
  const { policy, format, input, output, labelPath } = work
  for (const path of [output, labelPath])
    if (path !== undefined && path !== '-' && (await isThere(path)))
      throw new Error(`${path} is there already. Nothing is written over; name another output or move it away.`)
  const anonymisation = createAnonymisation({ policy, format, find: findInText, open: input.open })
  const target = await openTarget(output)
  try {
    const outputSha256 = await target.write(anonymisation.write())
    const { version } = (await import('../../../package.json', { with: { type: 'json' } })).default
    const label = createLabel({
      madeAt: new Date(systemClock.now()),
      version,
      policy,
      format: format.format,
      outputSha256,
      tables: anonymisation.outcome(),
    })
    if (labelPath !== undefined)
      await writeFile(labelPath, `${JSON.stringify(label, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await target.keep().catch(async (cause) => {
      if (labelPath !== undefined) await rm(labelPath, { force: true })
      throw cause
    })
    return label
  } finally {
    await target.drop()
  }
}

/** Anonymises a file or standard input. */
export const anonymiseFile = async (
  path: string,
  work: {
    readonly policy: Policy
    readonly format: FormatOptions
    readonly output: string
    readonly labelPath: string | undefined
  },
): Promise<Label> => {
  const input = await openInput(path, looksFirst(work.policy))
  try {
    return await anonymiseInto({ ...work, input })
  } finally {
    await input.close()
  }
}
