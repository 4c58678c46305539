import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Journals in a data folder of processes numbered beyond `size`. */
export const listLeftJournals = (dataDirectory: string, size: number): readonly string[] =>
  existsSync(dataDirectory)
    ? readdirSync(dataDirectory)
        .filter((name) => Number(/^journal-(\d{1,4})$/.exec(name)?.[1] ?? 0) > size)
        .map((name) => join(dataDirectory, name))
    : []
