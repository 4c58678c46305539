import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { chatParameters, messagesParameters } from '../packages/server/src/features/providers/anthropic/parameters.ts'
import { chatParameters as bedrockParameters } from '../packages/server/src/features/providers/bedrock/parameters.ts'
import { chatParameters as geminiParameters } from '../packages/server/src/features/providers/gemini/parameters.ts'
import type { ParameterRule } from '../packages/server/src/features/providers/translation/parameter-rules.ts'

/** A request type of an official SDK, and the rules for its members. */
interface ParameterSource {
  readonly protocol: string
  /** The kind of provider that they are translated for. */
  readonly kind: string
  readonly sdk: string
  readonly file: string
  readonly type: string
  readonly rules: Readonly<Record<string, ParameterRule>>
}

const openaiRequest = {
  protocol: 'OpenAI',
  sdk: 'openai',
  file: 'resources/chat/completions/completions.d.ts',
  type: 'ChatCompletionCreateParamsBase',
} as const

/** The protocols of each translation. */
export const parameterSources: readonly ParameterSource[] = [
  { ...openaiRequest, kind: 'anthropic', rules: chatParameters },
  {
    protocol: 'Anthropic',
    kind: 'anthropic',
    sdk: '@anthropic-ai/sdk',
    file: 'resources/messages/messages.d.ts',
    type: 'MessageCreateParamsBase',
    rules: messagesParameters,
  },
  { ...openaiRequest, kind: 'gemini', rules: geminiParameters },
  { ...openaiRequest, kind: 'bedrock', rules: bedrockParameters },
]

/**
 * The member names of an interface in a declaration file, sorted.
 * @throws Error when there is no such interface, or when it has members that it does not spell out itself.
 */
export const interfaceMembers = (text: string, name: string): string[] => {
  const source = ts.createSourceFile('types.d.ts', text, ts.ScriptTarget.Latest)
  const found = source.statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === name,
  )
  if (found === undefined) throw new Error(`There is no interface ${name}.`)
  if (found.heritageClauses) throw new Error(`The interface ${name} extends another; read that one too.`)
  return found.members
    .map((member) => {
      if (member.name && (ts.isIdentifier(member.name) || ts.isStringLiteral(member.name))) return member.name.text
      throw new Error(`The interface ${name} has a member without a plain name.`)
    })
    .sort()
}

/** The parameters of a request type as the installed SDK has them, and the version of that SDK. */
export const sdkParameters = (
  root: string,
  { sdk, file, type }: ParameterSource,
): { version: string; names: string[] } => {
  const folder = join(root, 'node_modules', sdk)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { version, names: interfaceMembers(readFileSync(join(folder, file), 'utf8'), type) }
}

/** Parameters that an SDK has and no rule knows, and rules for parameters that no SDK has; empty when all is well. */
export const parameterProblems = (root: string): string[] =>
  parameterSources.flatMap((source) => {
    const { version, names } = sdkParameters(root, source)
    const rules = Object.keys(source.rules)
    const where = `${source.type} of ${source.sdk} ${version}`
    return [
      ...names
        .filter((name) => !rules.includes(name))
        .map((name) => `${where} has "${name}": say in ${source.kind}/parameters.ts what becomes of it`),
      ...rules
        .filter((name) => !names.includes(name))
        .map((name) => `${source.kind}/parameters.ts has "${name}", which ${where} has not: take it out`),
    ]
  })
