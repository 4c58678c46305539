import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { documentPath } from './check-openapi.ts'
import { languagesOf, sampleTasks } from './samples.ts'

type Json = Readonly<Record<string, unknown>>

/** Names of members anywhere in the schemas of the API document. */
const fieldsOf = (value: unknown, fields = new Set<string>()): ReadonlySet<string> => {
  if (typeof value !== 'object' || value === null) return fields
  for (const [name, member] of Object.entries(value)) {
    if (name === 'properties') for (const field of Object.keys(member as Json)) fields.add(field)
    fieldsOf(member, fields)
  }
  return fields
}

/** Named in quotes, and no field: functions that a sample asks for. */
const ofLanguages = new Set(['pcntl_signal'])

/** Without underscores and capitals: what is `max_tokens` on the wire is `MaxTokens` in Go. */
const bare = (name: string): string => name.replaceAll('_', '').toLowerCase()

/** Names of two words that stand where a field would: in quotes, and where objects have members, after a dot or before a colon. */
const namedFields = (file: string, text: string): string[] => {
  const quoted = /(?<=["'])[a-z]+(?:_[a-z]+)+(?=["'])/g
  const member = /(?<=\.)[a-z]+(?:_[a-z]+)+\b|\b[a-z]+(?:_[a-z]+)+(?=: )/g
  const found = [...text.matchAll(quoted), ...(/\.(?:js|ts|sh)$/.test(file) ? text.matchAll(member) : [])]
  return found.map(([name]) => name).filter((name) => !ofLanguages.has(name))
}

/**
 * Samples whose fields are not those of the API: a member of a request that `requests.json` has and a sample does not name, and a
 * name that no schema knows. Running them, as the tests do, shows more; this needs no server.
 */
export const sampleProblems = (root: string): string[] => {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  const known = fieldsOf(JSON.parse(read(documentPath)))
  return sampleTasks.flatMap((task) =>
    languagesOf(task).flatMap(({ file }) => {
      const folder = `docs/samples/${task.folder}`
      const own = `${folder}/requests.${file.replace(/\..*/, '')}.json`
      const sent = read(existsSync(join(root, own)) ? own : `${folder}/requests.json`)
      const requests = JSON.parse(sent) as { body: Json | null }[]
      const asked = new Set(requests.flatMap(({ body }) => Object.keys(body ?? {})))
      const text = read(`${folder}/${file}`)
      const words = new Set(text.split(/[^A-Za-z0-9_]+/).map(bare))
      return [
        ...[...asked]
          .filter((name) => !words.has(bare(name)))
          .map((name) => `${folder}/${file}: does not name ${name}`),
        ...[...new Set(namedFields(file, text))]
          .filter((name) => !known.has(name) && !sent.includes(`"${name}"`))
          .map((name) => `${folder}/${file}: ${name} is no field of the API`),
      ]
    }),
  )
}
