import ts from 'typescript'
import { isTest, literalText, place, readSources, type Source, walk } from './sources.ts'

const junk = /^(utils?|helpers?|misc|types?|index|common|shared|stuff|lib|functions)\.[a-z.]*ts$/

/** A file is named for what it holds. */
export const junkNames = (sources: Source[]): string[] =>
  sources.flatMap(({ path }) =>
    junk.test(path.slice(path.lastIndexOf('/') + 1)) ? [`${path}: name the file for what it holds`] : [],
  )

const roomOf = (owner: string): string => `packages/server/src/${owner === 'kernel' ? owner : `features/${owner}`}/`

/** Which feature (or the kernel) each table belongs to, by the first line of the migration that creates it. */
export const tableOwners = (migrations: Source[]): { owners: Map<string, string>; problems: string[] } => {
  const owners = new Map<string, string>()
  const problems: string[] = []
  for (const { path, text } of migrations) {
    const owner = /^-- owner: ([a-z-]+)\s*$/m.exec(text.split('\n', 1)[0] ?? '')?.[1]
    if (!owner) {
      problems.push(`${path}: line 1 must read "-- owner: <feature>"`)
      continue
    }
    const created = /create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?headgate\.(\w+)/gi
    for (const [, table] of text.matchAll(created)) if (table) owners.set(table, owner)
  }
  return { owners, problems }
}

const looksLikeSql = /\b(select|insert\s+into|update|delete\s+from|truncate|copy)\b/i

const tablesIn = (text: string): string[] => {
  const qualified = [...text.matchAll(/\bheadgate\.(\w+)/g)].map((match) => match[1])
  const bare = looksLikeSql.test(text)
    ? [...text.matchAll(/\b(?:from|join|into|update|truncate|copy)\s+(?:only\s+|table\s+)?"?(\w+)"?/gi)].map(
        (match) => match[1],
      )
    : []
  return [...qualified, ...bare].flatMap((table) => table ?? [])
}

/** Two migrations of one number are refused at the start; two branches make them easily. */
export const migrationNumbers = (migrations: Source[]): string[] => {
  const taken = new Map<string, string>()
  return migrations.flatMap(({ path }) => {
    const number = /(\d+)-[^/]*$/.exec(path)?.[1] ?? ''
    const twin = taken.get(number)
    taken.set(number, path)
    return twin === undefined ? [] : [`${path}: has the number of ${twin}`]
  })
}

/** A table is spoken to by its owner alone; neighbours ask the owner. */
export const tableOwnership = (migrations: Source[], sources: Source[]): string[] => {
  const { owners, problems } = tableOwners(migrations)
  for (const owner of new Set(owners.values()))
    if (!sources.some(({ path }) => path.startsWith(roomOf(owner))))
      problems.push(`${owner}: owns tables, but ${roomOf(owner)} is empty`)
  for (const source of sources) {
    walk(source, (node, file) => {
      for (const table of new Set(tablesIn(literalText(node) ?? ''))) {
        const owner = owners.get(table)
        if (!owner) continue
        if (!source.path.startsWith(roomOf(owner)))
          problems.push(`${place(source, file, node)}: headgate.${table} belongs to ${owner}; ask it through a port`)
      }
    })
  }
  return problems
}

/** A declared route, as far as its declaration is written out. */
export interface DeclaredRoute {
  at: string
  path: string
  method: string
  access: string
  permission: string
  summary: string
  /** Days and path as declared; empty where the route is not deprecated. */
  deprecated: { since?: string; sunset?: string; successor?: string }
}

/** Every `defineRoute({…})` of the sources; a property that is missing or not a literal reads ''. */
export const declaredRoutes = (sources: Source[]): DeclaredRoute[] => {
  const routes: DeclaredRoute[] = []
  for (const source of sources) {
    walk(source, (node, file) => {
      if (!ts.isCallExpression(node) || node.expression.getText(file) !== 'defineRoute') return
      const declaration = node.arguments[0]
      const member = (of: ts.Expression | undefined, name: string): ts.Expression | undefined => {
        if (!of || !ts.isObjectLiteralExpression(of)) return undefined
        const property = of.properties.find((one) => one.name?.getText(file) === name)
        return property && ts.isPropertyAssignment(property) ? property.initializer : undefined
      }
      const textOf = (of: ts.Expression | undefined): string => (of && literalText(of)) ?? ''
      const value = (name: string): string => textOf(member(declaration, name))
      const farewell = member(declaration, 'deprecated')
      const days = ['since', 'sunset', 'successor'].flatMap((name) => {
        const text = textOf(member(farewell, name))
        return text === '' ? [] : [[name, text]]
      })
      routes.push({
        at: place(source, file, node),
        path: value('path'),
        method: value('method'),
        access: value('access'),
        permission: value('permission'),
        summary: value('summary'),
        deprecated: Object.fromEntries(days),
      })
    })
  }
  return routes
}

/** Every route says who may call it, in a file where it is looked for, once. */
export const routeFaults = (sources: Source[]): string[] => {
  const seen = new Map<string, string>()
  return declaredRoutes(sources).flatMap((route) => {
    const problems: string[] = []
    const name = `${route.method} ${route.path}`
    if (!/\.routes\.ts:\d+$/.test(route.at)) problems.push(`${route.at}: routes are declared in x.routes.ts`)
    if (!['public', 'caller', 'admin'].includes(route.access))
      problems.push(`${route.at}: ${name} must declare access: 'public', 'caller' or 'admin'`)
    if (route.access === 'admin' && !route.permission)
      problems.push(`${route.at}: ${name} must declare its permission, one of packages/contract/src/roles.ts`)
    if (!route.method || !route.path || !route.summary)
      problems.push(`${route.at}: method, path and summary are written out, for the reference`)
    const twin = seen.get(name)
    if (twin) problems.push(`${route.at}: ${name} is declared at ${twin} too`)
    seen.set(name, route.at)
    return problems
  })
}

export const architectureProblems = (root: string): string[] => {
  const sources = readSources(root, 'packages')
  const production = sources.filter(({ path }) => path.startsWith('packages/server/src/') && !isTest(path))
  const migrations = readSources(root, 'packages/server/migrations', '.sql')
  return [
    ...migrationNumbers(migrations),
    ...junkNames([...sources, ...readSources(root, 'scripts')]),
    ...tableOwnership(migrations, production),
    ...routeFaults(production.filter(({ path }) => path !== 'packages/server/src/kernel/route.ts')),
  ]
}
