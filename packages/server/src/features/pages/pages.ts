import type { Feature } from '../../kernel/feature.ts'
import type { PagesPorts } from './pages.ports.ts'
import { pagesRoutes } from './pages.routes.ts'
import { createShell } from './shell.ts'

/** How much of a digest stands in the address of an asset. */
const VERSION_CHARACTERS = 8

/** The pages that Headgate serves to people. */
export const createPages = (ports: PagesPorts): Feature => {
  const versions = new Map<string, string>()
  const shell = createShell((name) => `/assets/${name}${versions.has(name) ? `?v=${versions.get(name)}` : ''}`)
  return {
    name: 'pages',
    routes: pagesRoutes(ports, shell),
    start: async () => {
      for (const name of ['tokens.css', 'pages.css', 'pages.js', 'mark.svg']) {
        const file = await ports.asset(name)
        if (file) versions.set(name, file.etag.slice(1, 1 + VERSION_CHARACTERS))
      }
    },
  }
}
