import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A change of a source as it is loaded: the text must stand exactly once in the file. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

const root = new URL('../../../../', import.meta.url)
const product = new URL('packages/server/src/', root).href

const replaced: Readonly<Record<string, string>> = {
  'node:fs': new URL('builtins/fs.ts', import.meta.url).href,
  'node:fs/promises': new URL('builtins/fs-promises.ts', import.meta.url).href,
  'node:crypto': new URL('builtins/crypto.ts', import.meta.url).href,
}

/**
 * From now on the product’s sources get disk and randomness of the simulation, and are edited as they are loaded. So what runs is the
 * product’s own code, without a seam for what a caller of it would never replace.
 * @throws Error as a source is loaded that an edit does not fit.
 */
export const hookBuiltins = (edits: readonly Edit[]): void => {
  registerHooks({
    resolve: (specifier, context, next) => {
      const other = context.parentURL?.startsWith(product) ? replaced[specifier] : undefined
      return next(other ?? specifier, context)
    },
    load: (url, context, next) => {
      const loaded = next(url, context)
      const mine = edits.filter(({ file }) => url === new URL(file, root).href)
      if (mine.length === 0 || loaded.source === undefined || loaded.source === null) return loaded
      let source = new TextDecoder().decode(
        typeof loaded.source === 'string' ? Buffer.from(loaded.source) : loaded.source,
      )
      for (const { find, replace } of mine) {
        if (source.split(find).length !== 2) throw new Error(`${fileURLToPath(url)} does not read ${find} once`)
        source = source.replace(find, () => replace)
      }
      return { ...loaded, source }
    },
  })
}
