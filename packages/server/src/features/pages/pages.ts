import type { Feature } from '../../kernel/feature.ts'
import type { PagesPorts } from './pages.ports.ts'
import { pagesRoutes } from './pages.routes.ts'
import { createShell } from './shell.ts'

/** How much of a digest stands in the address of an asset. */
const VERSION_CHARACTERS = 8
const assets = ['tokens.css', 'pages.css', 'pages.js', 'mark.svg', 'explorer.css', 'explorer.js'] as const

/** The pages that Headgate serves to people. */
export const createPages = (ports: PagesPorts): Feature => {
  const versions = new Map<string, string>()
  const assetPath = (name: string) => `/assets/${name}${versions.has(name) ? `?v=${versions.get(name)}` : ''}`
  return {
    name: 'pages',
    routes: pagesRoutes(ports, createShell(assetPath), assetPath),
    start: async () => {
      for (const name of assets) {
        const file = await ports.asset(name)
        if (file) versions.set(name, file.etag.slice(1, 1 + VERSION_CHARACTERS))
      }
    },
  }
}
