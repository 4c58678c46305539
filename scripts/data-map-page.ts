import { activities } from '../packages/server/src/features/privacy/data-map.ts'
import { dataMap } from '../packages/server/src/features/privacy/map/map.ts'
import { presentMap } from '../packages/server/src/features/privacy/presentation.ts'

const whatHappens = {
  delete: 'they go',
  feature: 'they go, with what is kept outside the database',
  unname: 'a pseudonym takes the place of the name',
  books: 'a pseudonym takes the place of the name, there and in every sum',
} as const

type PresentTable = ReturnType<typeof presentMap>[number]

const listed = (columns: PresentTable['columns']): string => {
  const kinds = Map.groupBy(columns, ({ kind }) => kind)
  return [...kinds].map(([kind, own]) => `- ${kind}: ${own.map(({ column }) => `\`${column}\``).join(', ')}`).join('\n')
}

const section = ({ table, purpose, kept, person_column: person, erasure, because, columns }: PresentTable): string => {
  const found =
    person === null || erasure === 'stays'
      ? ''
      : ` Rows of a person are found by \`${person}\`; when one is erased, ${whatHappens[erasure]}.`
  return `### ${table}\n\n${purpose} Kept: ${kept}.${found}${because === null ? '' : ` ${because}`}\n\n${listed(columns)}`
}

/** The page of the data map: every table by the activity that it serves, and what its columns hold of people. */
export const dataMapPage = (): string => {
  const tables = presentMap(dataMap)
  return [
    '# Data map',
    'Every column of the database, and what it holds of people. `npm run check` fails on one that is missing here. [How people are erased](../guides/privacy.md).',
    ...Object.entries(activities).flatMap(([activity, purpose]) => [
      `## ${purpose}`,
      ...tables.filter((table) => table.activity === activity).map(section),
    ]),
  ].join('\n\n')
}
