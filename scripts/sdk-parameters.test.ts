import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { interfaceMembers, parameterProblems, parameterSources, sdkParameters } from './sdk-parameters.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

describe('the parameters of the official SDKs', () => {
  it('are each translated, left out or refused, and nothing else is', () => {
    expect(parameterProblems(root)).toEqual([])
  })

  it('are read from their types', () => {
    const [openai, anthropic] = parameterSources.map((source) => sdkParameters(root, source).names)
    expect(openai).toEqual(expect.arrayContaining(['messages', 'model', 'tools', 'response_format', 'seed']))
    expect(anthropic).toEqual(expect.arrayContaining(['max_tokens', 'system', 'thinking', 'stop_sequences']))
  })

  it('cannot hide: a type that is not spelt out is an error', () => {
    expect(interfaceMembers("interface A { b: 1; 'c-d'?: 2 }", 'A')).toEqual(['b', 'c-d'])
    expect(() => interfaceMembers('interface A { b: 1 }', 'B')).toThrow('no interface B')
    expect(() => interfaceMembers('interface A extends B { b: 1 }', 'A')).toThrow('extends another')
    expect(() => interfaceMembers('interface A { [name: string]: 1 }', 'A')).toThrow('without a plain name')
  })
})
