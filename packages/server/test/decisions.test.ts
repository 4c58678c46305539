import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { isTest, readSources, walk } from '../../../scripts/sources.ts'
import packageDescription from '../package.json' with { type: 'json' }
import { metricReference } from '../src/kernel/metrics.ts'

/** What pages of docs/decisions name as their check. */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const dependencies = Object.keys(packageDescription.dependencies)

it('32: scripts for browsers need no translation to ES2022, and style no preprocessor', () => {
  const assets = `${root}packages/server/assets/`
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'))
  expect(scripts.length).toBeGreaterThan(0)
  const print = (text: string, target: ts.ScriptTarget) =>
    ts.transpileModule(text, { compilerOptions: { target, module: ts.ModuleKind.ESNext } }).outputText
  for (const name of scripts) {
    const text = readFileSync(assets + name, 'utf8')
    expect(print(text, ts.ScriptTarget.ES2022), name).toBe(print(text, ts.ScriptTarget.ESNext))
  }
})

it('33, 37: depends on no vector database and on no cloud', () => {
  const foreign =
    /pinecone|weaviate|qdrant|chroma|milvus|lancedb|^@aws-sdk|^aws-|^@google-cloud|^googleapis|^@azure|^@vercel|^firebase|^@supabase|^@cloudflare/
  expect(dependencies.filter((name) => foreign.test(name))).toEqual([])
})

it('34: loads nothing by a name from outside', () => {
  const found: string[] = []
  for (const source of readSources(root, 'packages/server/src').filter(({ path }) => !isTest(path))) {
    walk(source, (node, file) => {
      const text = () => `${source.path}: ${node.getText(file).slice(0, 80)}`
      if (ts.isCallExpression(node)) {
        const callee = node.expression
        const [first] = node.arguments
        const name = callee.getText(file)
        const runs = /^(?:require|(?:vm\.)?(?:runIn\w+|compileFunction))$/.test(name)
        const loads = callee.kind === ts.SyntaxKind.ImportKeyword || runs
        if (loads && !(first && ts.isStringLiteralLike(first))) found.push(text())
        if (name === 'eval') found.push(text())
      }
      if (ts.isNewExpression(node) && /^(?:Function|(?:vm\.)?Script)$/.test(node.expression.getText(file)))
        found.push(text())
    })
  }
  expect(found).toEqual([])
})

it('39: what service levels are measured by is there', () => {
  const names = metricReference.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining(['headgate_errors_total', 'headgate_requests_total', 'headgate_overhead_seconds']),
  )
  for (const code of ['internal_error', 'database_unavailable', 'journal_unavailable'])
    expect(errorCatalogue).toHaveProperty(code)
  const overhead = metricReference.find(({ name }) => name === 'headgate_overhead_seconds') as {
    buckets?: readonly number[]
  }
  expect(overhead.buckets ?? []).toContain(0.025)
})
