import { instance } from '@viz-js/viz'
import ts from 'typescript'
import { readSources, type Source, walk } from './sources.ts'

/** A part of the product, and what it is handed of other parts: the port’s name here and whose function it is. */
interface Wire {
  readonly to: string
  readonly from: string
  readonly port: string
}

const wiring = /^packages\/server\/src\/compose(\/[a-z-]+)?\.ts$/
const renderer = await instance()

/** The features that are built in a file of the wiring, by the names of their variables. */
const featuresIn = (sources: readonly Source[]): Map<string, ts.ObjectLiteralExpression> => {
  const features = new Map<string, ts.ObjectLiteralExpression>()
  for (const source of sources) {
    const makers = new Set<string>()
    walk(source, (node, file) => {
      if (ts.isImportDeclaration(node) && /features\//.test(node.moduleSpecifier.getText(file))) {
        const bindings = node.importClause?.namedBindings
        if (bindings && ts.isNamedImports(bindings)) for (const { name } of bindings.elements) makers.add(name.text)
      }
      if (!ts.isVariableDeclaration(node) || !node.initializer || !ts.isIdentifier(node.name)) return
      const call = node.initializer
      if (!ts.isCallExpression(call) || !makers.has(call.expression.getText(file))) return
      const [given] = call.arguments
      if (given && ts.isObjectLiteralExpression(given)) features.set(node.name.text, given)
    })
  }
  return features
}

const namesIn = (node: ts.Node): Set<string> => {
  const names = new Set<string>()
  const step = (inner: ts.Node): void => {
    if (ts.isIdentifier(inner)) names.add(inner.text)
    // The name of a member says nothing of a variable by that name, unless it is what the ground holds.
    if (ts.isPropertyAssignment(inner)) return step(inner.initializer)
    if (ts.isPropertyAccessExpression(inner)) {
      const held = ts.isIdentifier(inner.expression) && inner.expression.text === 'ground'
      if (held) names.add(inner.name.text)
      return step(inner.expression)
    }
    ts.forEachChild(inner, step)
  }
  step(node)
  return names
}

const wiresOf = (features: Map<string, ts.ObjectLiteralExpression>): Wire[] =>
  [...features].flatMap(([to, given]) =>
    given.properties.flatMap((property) => {
      const port = property.name?.getText() ?? ''
      const value = ts.isPropertyAssignment(property) ? property.initializer : property
      return [...namesIn(value)].filter((name) => name !== to && features.has(name)).map((from) => ({ to, from, port }))
    }),
  )

const describe = (features: Map<string, ts.ObjectLiteralExpression>, wires: readonly Wire[]): string => {
  const pairs = Map.groupBy(wires, ({ to, from }) => `${to}\0${from}`)
  const edges = [...pairs.values()].map((several) => {
    const [{ to, from } = { to: '', from: '' }] = several
    return `"${to}" -> "${from}" [label="${[...new Set(several.map(({ port }) => port))].join('\\n')}"]`
  })
  return `digraph wiring {
  rankdir=LR; nodesep=0.25; ranksep=0.9; bgcolor=transparent
  node [shape=box style=rounded fontname="Helvetica" fontsize=13 height=0.45 margin="0.18,0.06"]
  edge [fontname="Helvetica" fontsize=10 arrowsize=0.7]
  ${[...features.keys()].map((name) => `"${name}"`).join('; ')}
  ${edges.join('\n  ')}
}`
}

const style = `<style>
svg { color: #18211f } @media (prefers-color-scheme: dark) { svg { color: #e3eae7 } }
</style>`

/** The picture of who is handed what, drawn from the wiring itself; its colour is that of the text around it. */
export const wiringPicture = (root: string): string => {
  const sources = readSources(root, 'packages/server/src').filter(({ path }) => wiring.test(path))
  const features = featuresIn(sources)
  const drawn = renderer.renderString(describe(features, wiresOf(features)), { format: 'svg' })
  const svg = drawn
    .slice(drawn.indexOf('<svg'))
    .replace(/<title>[^<]*<\/title>\n?/g, '')
    .replace(/<!--[^]*?-->\n?/g, '')
    .replace(/ (id|class)="[^"]*"/g, '')
    .replaceAll('stroke="black"', 'stroke="currentColor" stroke-opacity="0.55"')
    .replaceAll('fill="black"', 'fill="currentColor"')
    .replace(/<text /g, '<text fill="currentColor" ')
  return `<!-- Drawn by scripts/wiring-picture.ts from compose.ts and compose/. Do not edit. -->\n${svg.replace(/(<svg[^>]*>)/, `$1\n${style}`)}`
}
