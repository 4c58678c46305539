import { addToGroup, type Found, type Group, inspectGroups } from '../../features/anonymise/groups.ts'
import { type FormatOptions, readItems } from '../../features/anonymise/formats.ts'
import type { SensitiveModel } from '../../features/anonymise/privacy-models.ts'
import { cellWork, documentWork, type RowWork } from '../../features/anonymise/rows.ts'
import { groupKey } from '../../features/anonymise/search.ts'
import { AppError } from '../../kernel/errors.ts'
import { findInText } from './detectors.ts'
import { openInput } from './streams.ts'

/** Groups that are held at most. */
const mostGroups = 1_000_000

/** Looks at a file as it is: how many rows share their quasi-identifiers, and whether that is as many as asked. */
export const inspectFile = async (
  path: string,
  asked: {
    readonly format: FormatOptions
    readonly quasi: readonly string[]
    readonly k: number
    readonly sensitive: string | undefined
    readonly l: number
  },
): Promise<{ readonly found: Found; readonly ok: boolean }> => {
  const models: SensitiveModel[] =
    asked.sensitive === undefined ? [] : [{ column: asked.sensitive, model: 'distinct_l', l: asked.l }]
  const policy = {
    columns: new Map(),
    others: 'keep',
    check: { k: asked.k, models, quasi: asked.quasi, suppression: 0 },
  } as const
  const groups = new Map<string, Group>()
  const input = await openInput(path, false)
  try {
    let work: RowWork | undefined
    for await (const item of readItems(input.open(), asked.format)) {
      if (item.kind === 'table') {
        // Of a dump the table that is named is looked at.
        const isAsked =
          asked.format.format !== 'sql' || [item.name, item.name.split('.').at(-1)].includes(asked.format.table)
        if (!isAsked) work = undefined
        else if (item.heading === null) work = documentWork(item.name, policy, findInText)
        else work = cellWork(item.name, item.heading, policy, findInText)
      }
      if (item.kind !== 'row' || work === undefined) continue
      const { row } = item
      const key = groupKey(asked.quasi.map((column) => work?.valueOf(row, column) ?? null))
      if (groups.size === mostGroups && !groups.has(key))
        throw new AppError('anonymise_too_large', { detail: `There are more than ${mostGroups} groups.` })
      addToGroup(
        groups,
        key,
        1,
        models.map(({ column }) => new Map([[work?.valueOf(row, column) ?? '', 1]])),
      )
    }
  } finally {
    await input.close()
  }
  const found = inspectGroups(groups, models)
  return { found, ok: found.smallest >= asked.k && found.models.every(({ fulfilled }) => fulfilled) }
}
