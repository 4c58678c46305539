import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { plantedBugs } from './planted-bugs.ts'

/** Every place that `npm run test:planted` breaks stands exactly once in the sources of today. */
export const plantProblems = (root: string): string[] =>
  plantedBugs.flatMap(({ name, edits }) =>
    edits.flatMap(({ file, find }) => {
      const places = readFileSync(join(root, file), 'utf8').split(find).length - 1
      return places === 1
        ? []
        : [`scripts/planted-bugs.ts: "${name}": ${places} places in ${file} read ${JSON.stringify(find)}`]
    }),
  )
