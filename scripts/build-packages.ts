import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { isTest, readSources } from './sources.ts'

/**
 * Builds the packages as they are published, as JavaScript: Node takes no types off inside node_modules. Each is laid out in
 * `dist/packages/<name>` with its sources at the depth they have here, so that what they find beside themselves stays there.
 */
export interface BuiltPackage {
  readonly name: string
  readonly folder: string
}

interface Manifest {
  name: string
  bin?: Record<string, string>
  [member: string]: unknown
}

interface Recipe {
  /** Folder below `packages`. */
  readonly from: string
  /** Where its sources stand, and where their JavaScript goes. */
  readonly sources: string
  readonly output: string
  /** Folders that go along as they are; those that are built elsewhere may be absent. */
  readonly along: readonly string[]
  readonly exports: Readonly<Record<string, unknown>>
  /** Whether others compile against it. */
  readonly types: boolean
}

const subpaths = { './*.ts': { types: './dist/*.d.ts', default: './dist/*.js' }, './package.json': './package.json' }

const recipes: readonly Recipe[] = [
  { from: 'contract', sources: 'src', output: 'dist', along: [], exports: subpaths, types: true },
  {
    from: 'server',
    sources: 'src',
    output: 'dist',
    along: ['migrations', 'assets', 'site'],
    exports: { './package.json': './package.json' },
    types: false,
  },
  { from: 'qa', sources: '.', output: 'dist', along: [], exports: subpaths, types: true },
]

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  rewriteRelativeImportExtensions: true,
  newLine: ts.NewLineKind.LineFeed,
}

/** Workers are named by file, which the compiler leaves as it is. */
const workerFiles = /new URL\('(\.{1,2}\/[^']+)\.ts', import\.meta\.url\)/g
const relativeTypes = /(from\s+|import\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g

const compile = (root: string, recipe: Recipe, folder: string): void => {
  const base = join('packages', recipe.from, recipe.sources).replaceAll('\\', '/')
  const sources = readSources(root, base).filter(({ path }) => !isTest(path))
  for (const { path, text } of sources) {
    const output = join(folder, recipe.output, path.slice(base.length + 1)).replace(/\.ts$/, '.js')
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: { ...options, module: ts.ModuleKind.ESNext },
      fileName: join(root, path),
    })
    mkdirSync(dirname(output), { recursive: true })
    writeFileSync(output, outputText.replaceAll(workerFiles, "new URL('$1.js', import.meta.url)"))
  }
  if (!recipe.types) return
  const program = ts.createProgram(
    sources.map(({ path }) => join(root, path)),
    {
      ...options,

      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      resolveJsonModule: true,
      skipLibCheck: true,
      types: ['node'],
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: join(root, base),
      outDir: join(folder, recipe.output),
    },
  )
  const { diagnostics } = program.emit(undefined, (file, text) => {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text.replaceAll(relativeTypes, '$1$2$3.js$2'))
  })
  if (diagnostics.length > 0)
    throw new Error(
      ts.formatDiagnostics(diagnostics, { ...ts.sys, getNewLine: () => '\n', getCanonicalFileName: (name) => name }),
    )
}

const othersLicences = 'THIRD-PARTY-LICENSES.md'

/** The manifest as it is published: for whoever installs it, without what only development needs. */
const publishedManifest = (manifest: Manifest, recipe: Recipe): Manifest => {
  const { private: _private, devDependencies: _development, ...rest } = manifest
  const compiled = (path: string): string =>
    `./${join(recipe.output, path.replace(/^\.\//, '').replace(new RegExp(`^${recipe.sources}/`), ''))}`.replace(
      /\.ts$/,
      '.js',
    )
  return {
    ...rest,
    ...(manifest.bin && {
      bin: Object.fromEntries(Object.entries(manifest.bin).map(([name, path]) => [name, compiled(path)])),
    }),
    exports: recipe.exports,
    files: [recipe.output, ...recipe.along, othersLicences],
    sideEffects: recipe.from !== 'contract',
  }
}

/** Builds every package anew. `into` is emptied first. */
export const buildPackages = (root: string, into: string): BuiltPackage[] => {
  rmSync(into, { recursive: true, force: true })
  return recipes.map((recipe) => {
    const source = join(root, 'packages', recipe.from)
    const folder = join(into, recipe.from)
    mkdirSync(folder, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest
    compile(root, recipe, folder)
    for (const name of recipe.along)
      if (existsSync(join(source, name))) cpSync(join(source, name), join(folder, name), { recursive: true })
    cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
    cpSync(join(root, 'docs/reference/licences.md'), join(folder, othersLicences))
    const readme = join(source, 'README.md')
    cpSync(existsSync(readme) ? readme : join(root, 'README.md'), join(folder, 'README.md'))
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedManifest(manifest, recipe), null, 2)}\n`)
    return { name: manifest.name, folder }
  })
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  execFileSync(process.execPath, [join(root, 'scripts/build-docs.ts'), '--if-stale'], { stdio: 'inherit' })
  for (const { name, folder } of buildPackages(root, join(root, 'dist/packages'))) console.log(`${name}  ${folder}`)
}
